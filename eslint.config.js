import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import globals from 'globals';

export default defineConfig([
  globalIgnores(['**/_build/', '.venv*/', 'build/', 'dist/', 'flask_pocketping/static/widget/widget.js']),
  js.configs.recommended,
  { files: ['flask_pocketping/static/**/*.js'], languageOptions: { globals: globals.browser } },
  { files: ['scripts/*.js'], languageOptions: { globals: globals.node } },
  { files: ['tests/js/**/*.js'], languageOptions: { globals: { ...globals.browser, ...globals.node } } },
]);
