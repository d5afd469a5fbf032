/** How the widget looks. */

export const sheet = new CSSStyleSheet();
// The backslashes keep the line ends out of the script that pages load.
// Text on a colour of the brand is black or white by that colour's luminance: at an L of 49.5 both
// have the same contrast to it (WCAG 2).
sheet.replaceSync(`\
:host{position:fixed;z-index:2147483000;--paper:light-dark(#fff,#16181d);--soft:light-dark(#f1f3f6,#262a32);\
--ink:light-dark(#16181d,#eceef2);--dim:light-dark(#5b6270,#a3abb9);--bad:light-dark(#b3261e,#ffb4ab)}\
[hidden]{display:none!important}\
.root{all:initial;display:block;color-scheme:inherit;font:15px/1.45 system-ui,sans-serif;color:var(--ink)}\
*{box-sizing:border-box;margin:0;font:inherit;color:inherit}\
:focus-visible,:focus-visible+svg,.field:has(textarea:focus){outline:2px solid var(--ring,var(--brand));outline-offset:-2px}\
.field:has(textarea:focus){border-color:var(--ink)}\
.head,.bubble,.main{--ring:currentColor}\
.launcher:focus-visible{outline-offset:2px}\
.launcher[aria-expanded=true]>:first-child,[aria-expanded=false]>:nth-child(2){display:none}\
button{border:0;padding:8px;background:none;cursor:pointer;border-radius:8px}\
button:where(:hover){background:#8883}\
svg{width:22px;display:block;margin:auto;fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round}\
.launcher,.panel{position:fixed;bottom:calc(20px + env(safe-area-inset-bottom));right:calc(20px + env(safe-area-inset-right));box-shadow:0 4px 32px #0005}\
[class$=left]>*{right:auto!important;left:20px}\
.bubble,.notice,.chip,.day{background:var(--soft)}\
.bubble{margin:2px 0;padding:8px 12px;border-radius:16px;overflow-wrap:anywhere;white-space:pre-wrap}\
strong{font-weight:600}\
em{font-style:italic}\
s{text-decoration:line-through}\
ul,ol{padding-inline-start:22px;list-style:disc}\
ol{list-style:decimal}\
code{direction:ltr;unicode-bidi:isolate;padding:1px 4px;border-radius:4px;background:#8883;font:13px ui-monospace,monospace}\
pre{margin:6px 0}\
pre code{display:block;padding:6px 8px}\
.tag{padding:0 6px;border:1px solid;border-radius:6px;font-size:12px}\
.own,.main{--on:var(--brand)}\
.head{--on:var(--head)}\
.launcher{--on:var(--toggle);padding:19px;border-radius:50%}\
.log{--on:var(--wall)}\
.launcher,.head,.main,.own .bubble,.log{background:var(--on)}\
.launcher,.head,.main,.own .bubble,[class*="#"] .name{\
color:lab(from var(--on) calc(9e3*(49.5 - l)) 0 0)}\
.badge{position:absolute;inset:-2px -2px auto auto;padding:0 8px;border-radius:12px;background:#b3261e;color:#fff;line-height:22px}\
.panel{outline:0;bottom:92px;width:384px;height:min(640px,100dvh - 112px);display:flex;flex-direction:column;overflow:hidden;\
border-radius:16px;background:var(--paper);animation:rise .2s}\
@keyframes rise{from{opacity:0;translate:0 12px}}\
.head,.chip{display:flex;align-items:center;gap:12px}\
.head{padding:12px 16px}\
.head>div,.chip>span,.chip>div{flex:1;min-width:0}\
h2,b{font-weight:600}\
h2,.excerpt{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}\
.state,.notice,.day,.name,.excerpt,.typing,.error,.chip,.badge{font-size:13px}\
.online::before{content:"● ";color:#4ade80}\
.avatar{width:40px}\
.avatar,.face{border-radius:50%;aspect-ratio:1;object-fit:cover}\
.notice{padding:8px 16px;text-align:center}\
.notice,.error{text-wrap:balance}\
.log{flex:1;overflow-y:auto;overscroll-behavior:contain;padding:12px 16px}\
.whatsapp{--wall:light-dark(#efeae2,#101b1a)}\
.whatsapp .log,.dots .log{background-image:radial-gradient(#8884 2px,#0000 0);background-size:20px 20px}\
.message{display:grid;grid-template-columns:fit-content(80%) 1fr;position:relative;\
content-visibility:auto;contain-intrinsic-size:auto 56px}\
.own{grid-template-columns:1fr fit-content(80%)}\
.own .bubble,.tools{grid-column:2/3}\
.message:not(.more)+.own{margin-top:8px}\
.message:has(.tools){content-visibility:visible;z-index:1}\
.tools{position:absolute;inset:auto 0 2px;justify-content:end}\
.tools>div{display:flex;margin-inline-end:auto;white-space:nowrap}\
.own .tools{grid-column:1/2;justify-content:start}\
.own .tools>div{margin-inline:auto 0}\
.day{margin:12px auto;padding:2px 12px;border-radius:12px;text-align:center}\
.quiet,.more .meta:not(.keep){position:absolute;clip-path:inset(50%)}\
.day,.meta,.name,.typing{color:var(--dim);grid-column:1/-1}\
.name{display:flex;align-items:center;gap:8px;margin-top:8px}\
.face{width:24px;text-align:center;line-height:24px}\
.own .meta{color:inherit}\
.bubble button,.day button{padding:2px 8px;text-decoration:underline}\
.message:not(:last-child) .day button{display:none}\
.meta{font-size:12px;text-align:end}\
.error,.failed .bubble{color:var(--bad)}\
.failed .bubble{background:var(--soft);border:1px solid}\
.gone{font-style:italic}\
.excerpt{display:block;padding-inline-start:8px;border-inline-start:3px solid}\
.picture{display:block;max-width:100%;max-height:240px;height:auto;margin-bottom:6px;object-fit:cover;border-radius:8px}\
.file{display:flex;gap:4px}\
.file svg{flex:none;margin:0}\
.tools,.stars,.field{display:flex}\
.pill{height:44px;margin:-48px auto 4px;padding:0 16px;z-index:1;border-radius:16px}\
.typing{padding:0 16px 8px}\
.card{display:grid;gap:8px;margin:8px 16px;padding:12px;text-align:center}\
.stars{justify-content:center}\
.stars svg{width:32px;stroke:#b26a00}\
.stars label{position:relative}\
.stars label:has(~label>:checked) svg,:checked+svg{fill:#f5a623}\
[type=radio]{position:absolute;inset:0;height:100%;opacity:0;cursor:pointer}\
input,textarea,.field,.card,.tools>div{border:1px solid var(--dim);border-radius:12px;background:var(--paper)}\
input,textarea{width:100%;padding:8px;font-size:16px;resize:none}\
::placeholder{color:var(--dim);opacity:1}\
:placeholder-shown{direction:inherit}\
:empty.error{display:none}\
.chip .error{padding-inline-start:11px}\
.composer{padding:10px 12px max(10px,env(safe-area-inset-bottom));border-top:1px solid var(--soft);background:var(--foot)}\
.field{align-items:end}\
.field textarea{max-height:120px;padding:6px 4px;border:0;outline:0}\
.over{outline:2px dashed}\
[dir=rtl] .send svg{transform:scaleX(-1)}\
.chip{margin-bottom:8px;padding:0 8px;border-radius:8px}\
canvas,progress{width:48px}\
:disabled{opacity:.5}\
@media(pointer:coarse){button,input,textarea,.stars label{min-width:44px;min-height:44px}.stars label{display:grid}.field textarea{padding:11px 4px}}\
@media(max-width:480px),(max-height:480px){.head{padding-top:calc(12px + env(safe-area-inset-top))}\
.panel{padding:0 env(safe-area-inset-right) 0 env(safe-area-inset-left);inset:var(--above,0) 0 auto!important;width:auto;height:var(--height,100dvh);border-radius:0}\
.panel:not([hidden])+.launcher{display:none}}\
@media(prefers-reduced-motion){*{animation:none!important}}\
@media print{:host{display:none}}`);
