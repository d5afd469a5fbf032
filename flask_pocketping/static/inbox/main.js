/** The entry point of the inbox. */

import { App } from './app.js';
import { applyTheme } from './preferences.js';
import { projectOf } from './router.js';
import { language } from './texts.js';

applyTheme();
document.documentElement.lang = language;
const { endpoint = '', transports = '', site = '/' } = document.documentElement.dataset;
new App(endpoint, transports.split(' '), projectOf(location.pathname, endpoint), site).start();
