"use strict";(()=>{var g=class extends Error{constructor(e,t={},s=0){super(t.message??"No connection."),this.status=e,this.code=t.code??(e===413?"PAYLOAD_TOO_LARGE":void 0),this.details=t.details,this.most=t.most,this.wait=s*1e3,this.passes=!e||e===429||e>=500}};async function L(a,e,t,s){let i={method:a,keepalive:!0,signal:s??AbortSignal.timeout(3e4)};/GET|DELETE/.test(a)?e+=q(t):Object.assign(i,{body:JSON.stringify(t),headers:{"Content-Type":"application/json"}});let n=await fetch(e,i).catch(()=>{throw new g(0)}),r=await n.json().catch(()=>{});if(n.ok&&r)return r;throw(n.ok||/40[1345]/.test(`${n.status}`))&&pe(a,e,n),new g(n.ok?0:n.status,r,Number(n.headers.get("Retry-After")))}var W=!1;function pe(a,e,{headers:t,redirected:s,url:i,status:n}){if(W||!/html/.test(t.get("Content-Type")??""))return;W=!0;let[r,o]=[e,i].map(h=>h.split("?")[0]),c=s?`the HTML page ${o}`:`an HTML page with status ${n}`;console.error(`PocketPing: ${a} ${r} was answered by ${c} instead of the chat. If the app checks sign-in before each request, let its blueprint "pocketping" through.`)}var q=(a={})=>`?${new URLSearchParams(Object.entries(a))}`,x=a=>Math.min(3e4,500*2**a)*(.5+Math.random()/2);var ue=2e3,fe=150,me=5e3,V={ws:[5e3,({onFrame:a,address:e},t,s)=>{let i=new WebSocket(e().replace("http","ws"));return i.onopen=t,i.onmessage=({data:n})=>a(JSON.parse(n)),i.onclose=s,()=>{i.onclose=i.onmessage=null,i.close()}}],sse:[15e3,({onFrame:a,address:e},t,s)=>{let i=new EventSource(e());i.onopen=t,i.onerror=s;for(let n of["message","csat_request"])i.addEventListener(n,({data:r})=>a(JSON.parse(r)));return()=>i.close()}],poll:[15e3,({poll:a,onFrame:e},t,s,i)=>{let n=0,r=!1;async function o(){let c=!r&&(i||n++<=fe)&&await a().catch(()=>{});if(!r){if(!c)return s();t(),c.frames.forEach(e),e({type:"",data:{},cursor:c.cursor}),e({type:"presence",data:{online:c.operatorOnline}}),setTimeout(o,c.hasMore?0:ue)}}return o(),()=>r=!0}]};function G(a){let{transport:e="",carried:t=Object.keys(V),onState:s,onLost:i}=a,n=t.includes(e)?[e]:t,r=0,o=0,c=0,h=()=>{};function l(){clearTimeout(c),h(),h=()=>{}}function f(){let[p,u]=V[n[r]],m=0;function b(){l();let F=m&&Date.now()-m>me;if(r=F?0:(r+1)%n.length,r)return f();F&&(o=0),s(!1);let de=h;c=setTimeout(async()=>{await i().catch(()=>{}),h===de&&f()},x(o++))}function R(){m||s(!0),m||=Date.now(),clearTimeout(c)}c=setTimeout(b,p),h=u(a,R,b,!n[1])}return f(),{wake(){l(),r=o=0,f()},stop:l}}var C=class{connected=!1;#t;#e;#s="0";#i=new Set;#o=Promise.resolve();#n=0;constructor(e){this.#t=e}call=(e,t,s,i)=>{let{endpoint:n,visitor:r}=this.#t;return L(e,n+t,{sessionId:r.stored.handle,...s},i)};async beacon(e,t){this.connected&&await this.call("POST",e,t).catch(()=>{})}async connect(e){let{tabs:t,ended:s}=this.#t;s.aborted&&await new Promise(()=>{});let i=this.#o.catch(()=>{});if(this.#o=i.then(async()=>{(!e||!this.connected)&&await t.inTurn(()=>this.#r(e))}),await this.#o,e&&!this.connected)throw new g(0)}async settled(){await this.#o.catch(()=>{})}async keepConnecting(){let e=this.#t;try{await this.connect(e.opened&&!this.connected),this.#n=0,e.outgoing.flush()}catch(t){e.setLost(t.status&&t.status<500?t:!0),e.tell("error",t);let s=t.wait||x(this.#n++);t.passes&&e.timers.later("connect",()=>this.keepConnecting(),s)}}async#r(e){let t=this.#t,{visitor:s,config:i}=t;s.reload();let{identityToken:n,user:r}=await s.ask();if(i.identity||t.recognize(r),!e&&!s.stored.handle&&!n)return t.setLost(!1);try{await this.read(this.#h(e,n),o=>this.#p(o))}catch(o){if(!i.identity||!o.details?.identityToken)throw o;t.emit("error",o),i.identity=void 0,await this.#r(e)}}#h(e,t){let{visitorId:s,identity:i}=this.#t.visitor.stored;return this.call("POST","/connect",{visitorId:s,identity:i,create:e,identityToken:t,metadata:{url:location.href,referrer:document.referrer,pageTitle:document.title,language:navigator.language,timezone:Intl.DateTimeFormat().resolvedOptions().timeZone,screenResolution:`${screen.width}x${screen.height}`}})}#p({sessionId:e,visitorId:t,messages:s,cursor:i,user:n,...r}){let o=this.#t,{visitor:c}=o;o.recognize(n);let{connected:h}=this,l=o.store.get(s[0]?.id);(e!==c.stored.handle||r.hasMore&&!l)&&o.clear(),c.keep({handle:e,visitorId:t}),l&&(r.hasMore=o.greeting.hasMore),o.greeting=r,this.connected||(this.#s=i),o.lost=!1,this.connected=!!e,o.take(s),this.listen(),!h&&e&&(o.tabs.tell("session",c.stored),o.tell("connect",e))}async read(e,t){let s=this.#t,{store:i}=s,n=[];this.#i.add(n);let r=await e.finally(()=>this.#i.delete(n));if(!r||i!==s.store)return!1;if(t(r),i===s.store)for(let o of n)s.apply(o);return!0}advance(e){let{cursor:t}=e;if(t&&+t<=+this.#s)return!1;t&&(this.#s=t);for(let s of this.#i)s.push(e);return!0}listen(){let e=this.#t;!e.tabs.leads||!this.connected||this.#e||(this.#e=G({address:()=>`${e.endpoint}/stream${q({sessionId:e.visitor.stored.handle,after:this.#s})}`,poll:()=>this.call("GET","/events",{after:this.#s}),transport:e.config.transport,carried:e.greeting.transports,onFrame:t=>{e.tabs.tell("frame",t),e.receive(t)},onState:t=>{e.tabs.tell("lost",!t),e.setLost(!t),t&&e.outgoing.flush()},onLost:()=>this.connect(!1)}))}wake(){this.#e?.wake(),(this.connected||this.#t.opened)&&this.keepConnecting()}hangUp(){this.#e?.stop(),this.#e=void 0}};var H=new CSSStyleSheet;H.replaceSync(`
:host{position:fixed;z-index:2147483000;--paper:light-dark(#fff,#16181d);--soft:light-dark(#f1f3f6,#262a32);
--ink:light-dark(#16181d,#eceef2);--dim:light-dark(#5b6270,#a3abb9);--bad:light-dark(#b3261e,#ffb4ab)}
[hidden]{display:none!important}
.root{all:initial;display:block;color-scheme:inherit;font:15px/1.45 system-ui,sans-serif;color:var(--ink)}
*{box-sizing:border-box;margin:0;font:inherit;color:inherit}
:focus-visible,:focus-visible+svg,.field:has(textarea:focus){outline:2px solid var(--ring,var(--brand));outline-offset:-2px}
.field:has(textarea:focus){border-color:var(--ink)}
.head,.bubble,.main,.pill{--ring:currentColor}
.launcher:focus-visible{outline-offset:2px}
.launcher[aria-expanded=true]>:first-child,.launcher[aria-expanded=false]>:nth-child(2){display:none}
button{border:0;padding:8px;background:none;cursor:pointer;border-radius:8px}
button:where(:hover){background:#8883}
svg{width:22px;display:block;margin:auto;fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round}
.launcher,.panel{position:fixed;bottom:calc(20px + env(safe-area-inset-bottom));right:calc(20px + env(safe-area-inset-right));box-shadow:0 4px 32px #0005}
[class$=left]>*{right:auto!important;left:20px}
.bubble,.notice,.chip,.day{background:var(--soft)}
.bubble{margin:2px 0;padding:8px 12px;border-radius:16px;overflow-wrap:anywhere;white-space:pre-wrap}
.own,.main,.face,.pill{--on:var(--brand)}
.head{--on:var(--head)}
.launcher{--on:var(--toggle);padding:19px;border-radius:50%}
.log{--on:var(--wall)}
.launcher,.head,.main,.own .bubble,.log,.face,.pill{background:var(--on)}
.launcher,.head,.main,.own .bubble,.face,.pill,[class*="#"] .name{
color:lab(from var(--on) calc(9e3*(49.5 - l)) 0 0)}
.badge{position:absolute;inset:-2px -2px auto auto;padding:0 8px;border-radius:12px;background:#b3261e;color:#fff;line-height:22px}
.panel{outline:0;bottom:92px;width:384px;height:min(640px,100dvh - 112px);display:flex;flex-direction:column;overflow:hidden;
border-radius:16px;background:var(--paper);animation:rise .2s}
@keyframes rise{from{opacity:0;translate:0 12px}}
.head,.chip{display:flex;align-items:center;gap:12px}
.head{padding:12px 16px}
.head>div,.chip>span,.chip>div{flex:1;min-width:0}
h2,b{font-weight:600}
h2,.excerpt{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.state,.notice,.day,.name,.excerpt,.typing,.error,.chip,.badge{font-size:13px}
.online::before{content:"● ";color:#4ade80}
.avatar{width:40px;height:40px;border-radius:50%;object-fit:cover}
.notice{padding:8px 16px;text-align:center}
.notice,.error{text-wrap:balance}
.log{flex:1;overflow-y:auto;overscroll-behavior:contain;padding:12px 16px}
.whatsapp{--wall:light-dark(#efeae2,#101b1a)}
.whatsapp .log,.dots .log{background-image:radial-gradient(#8884 2px,#0000 0);background-size:20px 20px}
.message{display:grid;grid-template-columns:fit-content(80%) 1fr;position:relative;
content-visibility:auto;contain-intrinsic-size:auto 56px}
.own{grid-template-columns:1fr fit-content(80%)}
.own .bubble,.tools{grid-column:2/3}
.message:not(.more)+.own{margin-top:8px}
.message:has(.tools){content-visibility:visible;z-index:1}
.tools{position:absolute;inset:auto 0 2px;margin-inline-start:4px;justify-content:end}
.tools>div{display:flex;margin-inline-end:auto;border-radius:8px;background:var(--paper);box-shadow:0 1px 6px #0005;white-space:nowrap}
.own .tools{grid-column:1/2;margin-inline:0 4px;justify-content:start}
.own .tools>div{margin-inline:auto 0}
.name,.day{grid-column:1/-1}
.day{margin:12px auto;padding:2px 12px;border-radius:12px;text-align:center}
.quiet,.more .meta:not(.keep){position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.day,.meta,.name,.typing{color:var(--dim)}
.name{display:flex;align-items:center;gap:8px;margin-top:8px}
.face{width:24px;border-radius:50%;text-align:center;line-height:24px;aspect-ratio:1;object-fit:cover}
.own .meta{color:inherit}
.bubble button,.day button{padding:2px 8px;text-decoration:underline}
.message:not(:last-child) .day button{display:none}
.meta{font-size:12px;text-align:end}
.error,.failed .bubble{color:var(--bad)}
.failed .bubble{background:var(--soft);border:1px solid}
.gone{font-style:italic}
.excerpt{display:block;padding-inline-start:8px;border-inline-start:3px solid}
.picture{display:block;max-width:100%;max-height:240px;height:auto;object-fit:cover;border-radius:8px}
.tools,.stars,.field{display:flex}
.pill{align-self:center;height:44px;margin-top:-44px;padding:0 16px;translate:0 -8px;z-index:1;border-radius:18px;box-shadow:0 1px 6px #0005}
.typing{padding:0 16px 8px}
.card{display:grid;gap:8px;margin:8px 16px;padding:12px;text-align:center}
.stars{justify-content:center}
.stars svg{width:32px;stroke:#b26a00}
.stars label{position:relative}
.stars label:has(~label>:checked) svg,:checked+svg{fill:#f5a623}
[type=radio]{position:absolute;inset:0;height:100%;opacity:0;cursor:pointer}
input,textarea,.field,.card{border:1px solid var(--dim);border-radius:12px;background:var(--paper)}
input,textarea{width:100%;padding:8px;font-size:16px;resize:none}
::placeholder{color:var(--dim);opacity:1}
:placeholder-shown{direction:inherit}
:empty.error{display:none}
.composer{padding:10px 12px max(10px,env(safe-area-inset-bottom));border-top:1px solid var(--soft);background:var(--foot)}
.field{align-items:end}
.field textarea{max-height:120px;padding:6px 4px;border:0;outline:0}
.over{outline:2px dashed}
[dir=rtl] .send svg{transform:scaleX(-1)}
.chip{margin-bottom:8px;padding:0 8px;border-radius:8px}
canvas,progress{width:48px}
:disabled{opacity:.5}
@media(pointer:coarse){button,input,textarea,.stars label{min-width:44px;min-height:44px}.stars label{display:grid}.field textarea{padding:11px 4px}}
@media(max-width:480px),(max-height:480px){.head{padding-top:calc(12px + env(safe-area-inset-top))}
.panel{padding:0 env(safe-area-inset-right) 0 env(safe-area-inset-left);inset:var(--above,0) 0 auto!important;width:auto;height:var(--height,100dvh);border-radius:0}
.panel:not([hidden])+.launcher{display:none}}
@media(prefers-reduced-motion){*{animation:none!important}}
@media print{:host{display:none}}`);var T=({sender:a,metadata:e})=>a!=="visitor"&&!e?.kind,Y=({seq:a,status:e,after:t=0})=>a??(e==="failed"?t+.5:1/0),S=class{messages=[];#t=new Map;#e=[];get(e){return this.#t.get(e)}receive(e,t=[]){let s=this.get(e.id);if(!s&&e.sender==="visitor"&&t.includes(e.content))return this.#e.push(e),[];let i=Object.assign(s??e,e);return this.#t.set(i.id,i),this.#s(i),[i]}settle(e,{messageId:t,...s}){let i=this.get(e);if(!i)return[];let n=this.remove(t);return this.#t.delete(e),this.receive(Object.assign(i,{status:"sent"},n,s,{id:t}))}release(e){return this.#e.splice(0).flatMap(t=>this.receive(t,e))}remove(e){let t=this.get(e);return this.#t.delete(e),t&&this.messages.splice(this.messages.indexOf(t),1),t}apply({type:e,data:t},s){if(e==="message")return this.receive(t,s);let{messageId:i,messageIds:n=[i],...r}=t;if(e==="message_deleted")Object.assign(r,{content:"",attachments:[]});else if(e!=="read"&&e!=="message_edited")return[];let o=[...this.messages,...this.#e].filter(({id:c})=>n.includes(c));for(let c of o)Object.assign(c,r);return o}unread(){return this.messages.filter(e=>T(e)&&e.status!=="read"&&!e.deletedAt)}#s(e){let{messages:t}=this,s=Y(e),i=t.indexOf(e);if(i>=0&&s===1/0)return;i>=0&&t.splice(i,1);let n=t.length;for(;n&&Y(t[n-1])>s;)n--;t.splice(n,0,e)}};var ge={chat:"M4 5h16v11h-9l-5 4v-4H4z",close:"M6 6l12 12M18 6L6 18",send:"M5 12L4 4l17 8-17 8 1-8h7",attach:"M8 12l6-6a3 3 0 0 1 4 4l-8 8a5 5 0 0 1-7-7l7-7",reply:"M9 7l-5 5 5 5M4 12h9a6 6 0 0 1 6 6",edit:"M5 19v-4L16 4l4 4L9 19z",remove:"M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",star:"M12 4l2 5 6 1-4 4 1 5-5-2-5 2 1-5-4-4 6-1z"};function y(a){let[e,t]=["svg","path"].map(s=>document.createElementNS("http://www.w3.org/2000/svg",s));return e.setAttribute("viewBox","0 0 24 24"),e.ariaHidden="true",t.setAttribute("d",ge[a]),e.append(t),e}function d(a,e="",t={},...s){let i=Object.assign(document.createElement(a),t,{className:e});return i.append(...s),i}function v(a,e,t){return d("button",a,{type:t?"button":"submit",ariaLabel:e,title:e,onclick:t},y(a))}function w(a,e){return d("button","",{type:"button",onclick:()=>e()},a)}function A(a,e){return d("a","",{href:a,target:"_blank",rel:"noopener noreferrer"},e)}function k(a,e=""){a.textContent!==e&&(a.textContent=e),a.hidden=!e}var we=/\b(?:https?:\/\/|www\.)[^\s<>"]*[^\s<>".,:;!?)\]}]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+/gi,ve={sending:"◷",sent:"✓",delivered:"✓✓",read:"✓✓",failed:"!"},be=864e5,O=class{element=d("div","log",{role:"log",tabIndex:0});pill;#t=new Map;#e;#s;constructor(e,t){this.#e=e,this.#s=t;let{element:s}=this;s.ariaLabel=e.texts.messages,s.setAttribute("aria-relevant","additions"),this.pill=d("button","pill",{hidden:!0,onclick:()=>this.toEnd()},e.texts.fresh),s.onscroll=()=>{this.#i&&(this.pill.hidden=!0),s.scrollTop<200&&this.#f()},s.onkeydown=i=>this.#l(i);for(let i of["mouseover","focusin","click"])s.addEventListener(i,({target:n})=>this.#d(n));s.onpointerleave=({pointerType:i})=>i==="mouse"&&s.querySelector(".tools:not(:focus-within)")?.remove(),this.welcome(e.config.welcomeMessage??e.texts.welcome)}welcome(e){let{firstElementChild:t}=this.element;t&&(t.textContent=""),(t??this.element.appendChild(d("div","message"))).append(d("div","bubble",{},d("div","",{dir:"auto"},e)))}toEnd(e=9,t=0){let{element:s}=this;!e||s.scrollTop<t||(s.scrollTop=1e9,t=s.scrollTop,requestAnimationFrame(()=>this.toEnd(e-1,t)))}get#i(){let{scrollHeight:e,scrollTop:t,clientHeight:s}=this.element;return e-t-s<80}show(e){let{messages:t}=this.#e.store,s=this.#i||e.some(({status:o})=>o==="sending"),[i]=t.slice(-1);!s&&T(i)&&e.includes(i)&&!this.#t.has(i)&&(this.pill.hidden=!1);let n=new Set(t);for(let[o,c]of this.#t)n.has(o)||(c.remove(),this.#t.delete(o));let r=new Set(e.map(({id:o})=>o));t.forEach(({id:o,replyTo:c=""},h)=>{[o,c,t[h-1]?.id].some(l=>r.has(l))&&this.#o(h)}),t.forEach((o,c)=>this.#t.get(o)?.classList.toggle("more",J(o,t[c+1]))),s&&e.length&&this.toEnd()}#o(e){let{messages:t}=this.#e.store,s=t[e],i=this.#t.get(s)??d("div","",{tabIndex:-1});i.className=`message ${s.sender==="visitor"?"own":""} ${s.status}`;let n=s.deletedAt?null:i.querySelector(".tools");for(let o of[...i.children])o!==n&&o.remove();i.prepend(...this.#n(t[e-1],s));let r=this.#t.get(t[e-1])??this.element.firstElementChild;i.previousElementSibling!==r&&r?.after(i),this.#t.set(s,i)}#n(e,t){let{metadata:s,timestamp:i}=t,n=[],r=this.#h(i);return(!e||this.#h(e.timestamp)!==r)&&n.push(d("div","day",{},r)),s?.system?[...n,this.#r(t)]:[...n,this.#p(e,t),this.#u(t)]}#r({content:e,metadata:{kind:t=""}={}}){let{texts:s}=this.#e,i=t.slice(8),n=d("div","day system",{dir:"auto"},s[i]??e);return i==="closed"&&n.append(d("br"),w(s.placeholder,()=>this.#s.text.focus()),w(s.again,()=>this.#e.restart())),n}#h(e){let{locale:t}=this.#e,s=new Date(e),i=Math.round((s.setHours(0,0,0,0)-new Date().setHours(0,0,0,0))/be),n=new Intl.RelativeTimeFormat(t,{numeric:"auto"}).format(i,"day");return i>-2?n[0].toLocaleUpperCase()+n.slice(1):s.toLocaleDateString(t,{dateStyle:"long"})}#p(e,t){let{texts:s,config:i}=this.#e,{sender:n,operatorName:r}=t;if(n==="visitor")return d("div","quiet",{},s.you);let o=n==="ai",c=r??(o?s.ai:i.operatorName??s.team);if(J(e,t))return d("div","quiet",{},c);let h=o?"":this.#e.pictureOf(r),l=h?d("img","face",{alt:"",src:h}):d("span","face",{ariaHidden:"true"},[...c][0]);return d("div","name",{},l,c)}#u(e){let{store:t,texts:s}=this.#e;if(e.deletedAt)return d("div","bubble gone",{},s.deleted);let i=e.replyTo&&t.get(e.replyTo),n=i?[d("span","excerpt",{dir:"auto"},i.content||s.deleted)]:[],r=(e.attachments??[]).map(c=>this.#a(c)),o=d("div","",{dir:"auto"},...xe(e.content));return d("div","bubble",{},...n,...r,o,this.#c(e))}#a({url:e,thumbnailUrl:t,filename:s,width:i,height:n}){let r=l=>new URL(l,this.#e.endpoint).href,o=i&&n?{width:i,height:n}:{},c=`📎 ${s}
`;if(!t)return A(r(e),c);let h=d("img","picture",{...o,alt:s,src:r(t)});return h.onerror=()=>h.replaceWith(c),A(r(e),h)}#c(e){let t=this.#e,{texts:s,locale:i}=t,{timestamp:n,editedAt:r,error:o}=e,c=new Date(n).toLocaleTimeString(i,{hour:"numeric",minute:"2-digit"}),h=d("div",r||o?"meta keep":"meta",{},c,r?` · ${s.edited} `:" ");if(e.sender!=="visitor")return h;let l=e.status;if(h.append(d("span","",{role:"img",ariaLabel:s[l],title:s[l]},ve[l])),o){let{clientId:f,fix:p}=e,u=p?w(s.edit,()=>this.#s.pick("edit",e)):w(s.retry,()=>t.outgoing.retry(f));u.hidden=l!=="failed",h.append(` ${o} `,u,w(s.remove,()=>t.remove(e)))}return h}#d(e){let t=e.closest(".message"),s=[...this.#t].find(([,c])=>c===t)?.[0];if(!t||!s?.seq||s.deletedAt||s.metadata||t.querySelector(".tools"))return;this.element.querySelector(".tools")?.remove();let{texts:i}=this.#e,n=c=>v(c,i[c],()=>this.#s.pick(c,s)),r=d("div","",{},n("reply")),o=()=>{let c=w(i.sure,()=>this.#e.remove(s));r.replaceChildren(c),c.focus()};s.sender==="visitor"&&r.append(n("edit"),v("remove",i.remove,o)),t.append(d("div","tools",{},r))}#l(e){let t={ArrowUp:"previousElementSibling",ArrowDown:"nextElementSibling"}[e.key];if(!t)return;e.preventDefault();let s=e.target.closest(".message");(s?s[t]:this.element.lastElementChild)?.focus()}async#f(){let{element:e}=this;if(e.ariaLive==="off")return;e.ariaLive="off";let t=e.scrollHeight-e.scrollTop;await this.#e.loadOlder()&&(e.scrollTop=e.scrollHeight-t),e.ariaLive="polite"}};function J(a,e){let[t,s]=[a,e].map(i=>i&&[i.sender,i.operatorName,i.timestamp.slice(0,16),i.metadata?.system,i.status==="failed"]);return!!(t&&s)&&`${t}`==`${s}`}function xe(a){let e=[],t=0;for(let{0:s,index:i}of a.matchAll(we)){let n=/^https?:/i.test(s)?"":/^www\./i.test(s)?"https://":"mailto:";e.push(a.slice(t,i),A(n+s,s)),t=i+s.length}return[...e,a.slice(t)]}var I=class{text=d("textarea","",{rows:1,maxLength:4e3,dir:"auto"});#t=d("div","chip",{hidden:!0});#e=d("div");#s={};#i=new Set;#o=!1;#n;constructor(e){this.#n=e;let{texts:t,config:s}=e,{text:i}=this;i.placeholder=i.ariaLabel=s.placeholder??t.placeholder,i.value=e.draft;let n=d("input","",{type:"file",multiple:!0,hidden:!0});n.onchange=()=>this.#c(n.files),this.attach=v("attach",t.attach,()=>n.click());let r=d("div","field",{},this.attach,i,v("send",t.send));this.element=d("form","composer",{},this.#t,this.#e,r,n),this.element.onsubmit=o=>{o.preventDefault(),this.#u()},i.oninput=()=>this.#h(),i.onkeydown=o=>this.#p(o),i.onpaste=({clipboardData:o})=>this.#c(o?.files)}restore(){this.text.value||(this.text.value=this.#n.draft)}takeDrops(e){let t=s=>{s.preventDefault(),e.classList.toggle("over",s.type==="dragover")};e.ondragover=e.ondragleave=t,e.ondrop=s=>(t(s),this.#c(s.dataTransfer?.files))}pick(e,t){let{texts:s}=this.#n,i=this.#s.kind==="edit";if(this.#s={kind:e,message:t},this.#o=!1,i&&this.#r(this.#n.draft??""),this.#t.hidden=!t,!e||!t)return;e==="edit"&&this.#r(t.content);let n=d("span","excerpt",{dir:"auto"},`${s[e]}: ${t.content}`);this.#t.replaceChildren(n,v("close",s.cancel,()=>this.pick())),this.text.focus()}#r(e){this.text.value=e,this.#h()}#h(){let{text:e}=this,t=this.#n;this.#s.kind!=="edit"&&t.storage.set("draft",e.value),t.typing(e.value!==""),e.style.height="",e.value&&(e.style.height=`${e.scrollHeight}px`)}#p(e){let{key:t,shiftKey:s,isComposing:i}=e;t==="Enter"&&!s&&!i?(e.preventDefault(),this.#u()):t==="Escape"&&this.#s.kind&&(e.stopPropagation(),this.pick())}#u(){let e=this.#n,{kind:t,message:s}=this.#s,i=this.text.value.trim();if(t==="edit"&&s)return i&&this.#a(s,i);let n=[...this.#i];if(this.#o=n.some(({done:o})=>!o),this.#o||!(i||n.length)||this.text.disabled)return;let r=n.flatMap(({done:o})=>o??[]);e.sendMessage(i,{replyTo:s?.id,attachments:n.length?r:void 0}),this.#i.clear(),this.#e.replaceChildren(),this.pick(),this.#r("")}async#a(e,t){this.pick();let{value:s}=this.text;!await this.#n.edit(e,t)&&this.text.value===s&&!this.#s.kind&&this.pick("edit",{...e,content:t})}#c(e){if(!this.attach.hidden)for(let t of e??[])this.#d(t)}#d(e){let{texts:t}=this.#n,s={},i=new AbortController,n=d("progress","",{ariaLabel:e.name,value:0}),r=d("p","error",{role:"alert"}),o=async()=>{r.textContent="",c.hidden=!0,n.hidden=!1;try{ye(e,this.#n),s.done=await this.#n.upload(e,f=>n.value=f,i.signal),n.remove(),this.#o&&this.#u()}catch(f){r.textContent=this.#n.explain(f),n.hidden=!0,f.passes!==!1?c.hidden=!1:this.#o=!this.#i.delete(s)}},c=w(t.retry,o),h=()=>{i.abort(),this.#i.delete(s),this.#o=!1,l.remove()},l=d("div","chip",{},d("div","",{},d("span","excerpt",{},e.name),r),n,c,v("close",`${t.remove} ${e.name}`,h));this.#i.add(s),this.#e.append(l),ke(e,l),o()}};function ye({size:a},{greeting:{maxUploadSize:e}}){if(!a)throw new g(400,{details:{size:[]}});if(e&&a>e)throw new g(413,{most:e})}async function ke(a,e){let t=a.type.startsWith("image/")&&await createImageBitmap(a,{resizeHeight:48}).catch(()=>null);if(!t)return;let{width:s,height:i}=t,n=d("canvas","",{width:s,height:i});n.getContext("2d")?.drawImage(t,0,0),e.prepend(n)}function K(a,e){let{texts:t,greeting:s}=a,{fields:i="",required:n}=s.preChatForm??{},r=[];for(let[o,c,h]of[["email","email",t.email],["phone","tel",t.phone]]){let l=!i.includes("-or-"),f={name:o,type:c,autocomplete:c,placeholder:h,ariaLabel:h,required:l};i.includes(o)&&r.push(d("input","",f))}return X(a,t.contact,t.save,n?"":w(t.skip,e),r,async({email:o,phone:c})=>{if(!o&&!c)return t.reach;await a.tellContact({email:o,phone:c?.replace(/[^+\d]/g,"")}),e()})}function Q(a,e){let{texts:t}=a,s=[1,2,3,4,5].map(o=>{let c=t.stars.replace("{count}",`${o}`),h=d("input","",{type:"radio",name:"score",value:o,ariaLabel:c,required:!0});return d("label","",{title:c},h,y("star"))}),i={name:"comment",rows:1,maxLength:1e3,placeholder:t.comment,ariaLabel:t.comment},n=d("textarea","",i),r=[d("div","stars",{},...s),n];return X(a,t.rate,t.send,w(t.skip,e),r,async({score:o,comment:c})=>{await a.rate({score:Number(o),comment:c}),e(t.thanks)})}function X(a,e,t,s,i,n){let r=d("p","error",{role:"alert"}),o=d("form","card",{ariaLabel:e},d("b","",{},e),...i,r,s,d("button","main",{},t));return o.onsubmit=c=>{c.preventDefault();let h=[...new FormData(o)].map(([l,f])=>[l,`${f}`.trim()||void 0]);n(Object.fromEntries(h)).catch(l=>a.explain(l)).then(l=>r.textContent=l??"")},o}var Z=matchMedia("(max-width:480px),(max-height:480px)"),Ee=matchMedia("(pointer:coarse)"),ee=()=>Ee.matches,M=class{#t=!1;#e=0;#s=[];#i="";#o;constructor(e){this.#o=e;let{ended:t}=e;Z.addEventListener("change",()=>e.show(),{signal:t});let s=i=>{this.#e&&i.stopImmediatePropagation(),this.#e=0,this.#t&&e.close()};addEventListener("popstate",s,{signal:t,capture:!0})}update(e,t){let s=this.#o.opened&&Z.matches;if(t.ariaModal=`${s}`,s===this.#t)return;this.#t=s;let{style:i}=document.documentElement;if(s){let n=[...document.body.children];this.#s=n.filter(r=>r!==e&&!r.inert),this.#i=i.overflow,history.pushState({...history.state,pocketping:!0},""),this.#e=1}else this.#e&&history.state?.pocketping&&history.back();i.overflow=s?"hidden":this.#i;for(let n of this.#s)n.inert=s}};var D=class{#t={};later(e,t,s){clearTimeout(this.#t[e]),this.#t[e]=setTimeout(t,s)}stop(){Object.values(this.#t).forEach(clearTimeout)}};var E=class extends HTMLElement{#t=d("img","avatar",{alt:""});#e=d("h2");#s=d("p","state",{role:"status"});#i=d("p","notice",{role:"status"});#o=d("p","typing",{role:"status"});#n=d("span","badge",{ariaHidden:"true"});#r=d("div");#h="";#p=0;#u="";#a;#c;#d;#l;constructor(e){super(),this.#a=e;let{config:t,texts:s,language:i}=e;this.#c=new I(e),this.list=new O(e,this.#c),this.#d=d("button","launcher",{onclick:()=>e.toggle()},y("chat"),y("close"),this.#n),this.#l=d("section","panel",{role:"dialog",ariaLabel:s.team,hidden:!0,tabIndex:-1},d("div","head",{},this.#t,d("div","",{},this.#e,this.#s),v("close",s.close,()=>e.close())),this.#i,this.list.element,this.list.pill,this.#o,this.#r,this.#c.element),this.#l.onkeydown=({key:c})=>{c==="Escape"&&e.close()},this.#c.takeDrops(this.#l);let n=/^(ar|fa|he|ur)/.test(i)?"rtl":"ltr",r=this.attachShadow({mode:"open"});r.adoptedStyleSheets=[H],r.append(d("div",`root ${t.position}`,{lang:i,dir:n},this.#l,this.#d)),r.addEventListener("keydown",c=>c.stopPropagation());let{theme:o=""}=t;this.style.colorScheme=/light|dark/.test(o)?o:"light dark",this.hidden=!0,setTimeout(()=>this.hidden=!1,t.showDelay),visualViewport?.addEventListener("resize",()=>this.#m()),this.refresh()}show(e){this.list.show(e),this.refresh()}focus(){(ee()?this.#l:this.#c.text).focus()}get draft(){return this.#c.text.value}restore(){this.#c.restore()}refresh(){let{greeting:e,config:t,connection:s,texts:i,typist:n,store:r,lost:o,problem:c}=this.#a;this.#f(),this.#c.attach.hidden=s.connected&&!e.maxUploadSize,this.#g();let h=r.messages.findLast(({sender:p,operatorName:u})=>p==="operator"&&u),l=h?.operatorName??e.operatorName??t.operatorName??i.team,f=this.#a.pictureOf(h?.operatorName);this.#t.hidden=!f,f&&this.#t.getAttribute("src")!==f&&(this.#t.src=f),this.#s.classList.toggle("online",!!e.operatorOnline),k(this.#e,l),k(this.#s,i[e.operatorOnline?"online":e.aiActive?"ai":"away"]),k(this.#i,o?o===!0?i.offline:this.#a.explain(o):c),k(this.#o,n===void 0?"":i.typing.replace("{name}",n||l)),this.#w()}chime(){let e=new AudioContext,t=e.createOscillator(),s=e.createGain();s.gain.value=.1,s.gain.linearRampToValueAtTime(0,.4),t.connect(s).connect(e.destination),t.start(),t.stop(.4),setTimeout(()=>e.close(),500)}#f(){let{config:e,greeting:t}=this.#a,s=e.primaryColor??t.primaryColor??"#1f5eff",{headerColor:i=s,toggleColor:n=s}=t,{footerColor:r="",chatBackground:o=""}=t,c=Object.entries({brand:s,head:i,toggle:n,foot:r,wall:o});for(let[h,l]of c)this.style.setProperty(`--${h}`,l);this.#l.className=`panel ${o}`}#g(){let{opened:e,config:t,texts:s,store:i}=this.#a,{showOnPages:n,hideOnPages:r,launcher:o,titleBadge:c}=t,h=e?0:i.unread().length;h!==this.#p&&this.#a.emit("unread",h),this.#p=h;let l=h>99?"99+":h?`${h}`:"";k(this.#n,l);let f=e?s.close:s.open;this.#d.ariaLabel=l?`${f} (${l})`:f,this.#d.ariaExpanded=`${e}`;let p=m=>new RegExp(m).test(location.pathname);this.#d.hidden=o===!1||n?.some(p)===!1||!!r?.some(p);let u=this.#l.hidden===e;if(this.#l.hidden=!e,this.#a.phone.update(this,this.#l),c){let m=document.title===this.#h?document.title.replace(/^\(\d+\+?\) /,""):document.title;document.title=this.#h=l?`(${l}) ${m}`:m}if(u){if(!e)return this.#d.focus();this.#m(),this.list.toEnd(),this.focus()}}#w(){let{greeting:e,store:t}=this.#a,{preChatForm:s,csatRequestedAt:i}=e,n=t.messages.some(({sender:h})=>h==="visitor"),r=s&&!s.completed&&(n||s.timing.startsWith("before"));this.#c.text.disabled=!!(r&&s.required&&!n);let o=!(r&&s.required)&&i||(r?"contact":"");if(o===this.#u)return;this.#u=o;let c=(h="")=>{let l=d("p","notice",{role:"status"},h);this.#r.replaceChildren(...h?[l]:[]),this.#a.timers.later("thanks",()=>l.remove(),6e3),this.refresh(),this.focus()};if(!o)return this.#r.querySelector("form")?.remove();this.#r.replaceChildren((o==="contact"?K:Q)(this.#a,c)),this.list.toEnd()}#m(){visualViewport&&(this.#l.style.setProperty("--height",`${visualViewport.height}px`),this.#l.style.setProperty("--above",`${visualViewport.offsetTop}px`))}};customElements.get("pocketping-chat")||customElements.define("pocketping-chat",E);var Se={PAYLOAD_TOO_LARGE:"large",RATE_LIMITED:"slow",UPGRADE_REQUIRED:"reload"},te={email:"address",phone:"number",size:"empty"};function se(a,e,t){if(!(a instanceof g))return e.wrong;let{code:s="",details:i,message:n,most:r=0,wait:o}=a;if(s==="INVALID_REQUEST"&&!i)return n;let c=Object.keys(i??{}).find(m=>m in te)??"",[h,l]=r<2**20?["kilobyte",2**10]:["megabyte",2**20],f=new Intl.NumberFormat(t,{style:"unit",unit:h,maximumFractionDigits:1}).format(r/l),p=new Date(Date.now()+o).toLocaleTimeString(t);return(r?e.limit:e[Se[s]??te[c]??"wrong"]).replace("{size}",f).replace("{time}",p)}var N="out:",P=class{#t=!1;#e=0;#s=0;#i;#o;#n;#r;constructor(e,t,s,i){this.#i=e,this.#o=t,this.#n=s,this.#r=i}get entries(){return this.#i.keys(N).map(t=>this.#i.get(t)).filter(Boolean).sort((t,s)=>t.at-s.at)}get waiting(){return this.entries.filter(({error:e})=>!e)}put(e){this.#i.set(N+e.clientId,e)}has(e){return!!this.#i.get(N+e)}remove(e){this.#i.remove(N+e)}async flush(e=0){if(this.#s=e,!this.#t){this.stop(),this.#t=!0;try{for(let[t]=this.waiting;t;[t]=this.waiting)await this.#h(t),this.#s=0}catch(t){let s=t.wait||this.#r(this.#s);this.#e=setTimeout(()=>this.flush(this.#s+1),s)}this.#t=!1}}stop(){clearTimeout(this.#e)}async#h(e){try{let t=await this.#o(e);if(!t)return;this.remove(e.clientId),this.#n(e,t)}catch(t){let{message:s,passes:i,code:n}=t;if(i!==!1||n==="SESSION_NOT_FOUND")throw t;let r={...e,error:s,fix:/INVALID|LARGE/.test(n)};this.put(r),this.#n(r)}}};var z=class{#t;#e;#s=new Map;#i={};#o=0;constructor(e){this.#t=e;let t=(s,i)=>{e.tabs.tell("sent",{entry:s,sent:i}),this.settle(s,i)};this.#e=new P(e.storage,s=>this.#r(s),t,x)}get texts(){return this.#e.waiting.map(({content:e})=>e)}send(e,t){this.#o=Math.max(Date.now(),this.#o+1);let s=crypto.getRandomValues(new Uint32Array(4)).join("-"),i=new Promise((r,o)=>{this.#s.set(s,(c,h)=>h?r(h):o(Error(c)))});i.catch(()=>{});let n=this.#t.store.messages.findLast(({seq:r})=>r)?.seq;return this.#n({...t,clientId:s,content:e,at:this.#o,after:n}),i}retry(e,t){let s=this.#e.entries.find(i=>i.clientId===e);return s&&this.#n({...s,content:t??s.content,error:void 0}),!0}remove(e){this.#e.remove(e),this.#t.store.remove(e),this.show()}heard(e){this.#t.tabs.leads&&(this.#e.put(e),this.#e.flush()),this.show()}get own(){return this.#e.entries.filter(({clientId:e})=>this.#s.has(e))}keep(e){for(let t of e)this.#e.put(t)}flush(){this.#e.flush()}stop(){this.#e.stop()}forget(){this.#s.clear()}show(){let e=this.#t,s=(e.visitor.unsure?this.own:this.#e.entries).flatMap(({at:i,error:n,...r})=>e.store.receive({...r,id:r.clientId,sender:"visitor",timestamp:new Date(i).toISOString(),status:n?"failed":"sending",error:n??(this.#i.clientId===r.clientId?this.#i.reason:void 0)}));e.show(s)}settle(e,t){let s=this.#t,{clientId:i,error:n}=e;this.#s.get(i)?.(n,t),this.#s.delete(i),t?(this.#e.remove(i),s.show(s.store.settle(i,t))):(this.#e.put(e),this.show()),s.show(s.store.release(this.texts))}#n(e){let{tabs:t}=this.#t;this.#e.put(e),this.show(),t.tell("outbox",e),t.leads&&this.#e.flush()}async#r({clientId:e,content:t,replyTo:s,attachments:i}){let{connection:n}=this.#t,r=this.#i.clientId;this.#i={},r&&this.show();try{if(await n.connect(!0),!this.#e.has(e))return;let o=i?.map(({id:c})=>c);return await n.call("POST","/message",{clientId:e,content:t,replyTo:s,attachmentIds:o})}catch(o){throw o.code==="SESSION_NOT_FOUND"&&(n.connected=!1),o.message=this.#t.explain(o),o.status===429&&(this.#i={clientId:e,reason:o.message},this.show()),o}}};function ie({onOnline:a,onOffline:e,onLeave:t,onReturn:s,onVisibility:i,onMove:n},r,o){let c=0,h=location.href,l=(m,b,R)=>m.addEventListener(b,R,{signal:o});l(window,"online",a),l(window,"offline",e),l(window,"pagehide",t),l(window,"pageshow",({persisted:m})=>m&&s()),l(document,"visibilitychange",()=>{let m=!document.hidden&&Date.now()-c>3e4;document.hidden&&(c=Date.now()),i(m)});let f=()=>{let m=location.href!==h;h=location.href,n(m)},p=()=>r.later("moved",f,1e3),{navigation:u}=window;u?l(u,"currententrychange",p):l(window,"popstate",p)}var $=class{#t;#e=0;constructor(e){this.#t=e}plan(){this.#e||=setTimeout(()=>this.#s(),300)}stop(){clearTimeout(this.#e)}async#s(){this.#e=0;let{connection:e,reading:t,store:s,tabs:i}=this.#t,n=t?"read":"delivered",o=s.unread().filter(c=>c.status!==n).map(({id:c})=>c).slice(0,500);!o.length||!e.connected||!(t||i.leads)||(await e.beacon("/read",{messageIds:o,status:n}),this.#t.apply({type:"read",data:{messageIds:o,status:n}}))}};function ne(a){let e={},t={};try{localStorage[a]="",t=localStorage,delete t[a]}catch{}function s(i){delete e[a+i],delete t[a+i]}return{shared:"setItem"in t,remove:s,get(i){try{return JSON.parse(e[a+i]??t[a+i])}catch{return null}},set(i,n){let r=JSON.stringify(n);s(i);try{t[a+i]=r}catch{e[a+i]=r}},keys(i){return Object.keys({...e,...t}).filter(r=>r.startsWith(a+i)).map(r=>r.slice(a.length))}}}function oe(a,e,t,s){let{locks:i}=navigator,n=!e||!i,r,o,c={leads:!1,join(){r=new AbortController;let{signal:l}=r;if(n)return void h(l);o=new BroadcastChannel(a),o.onmessage=({data:f})=>t(f.kind,f.data),i.request(a,{signal:l},()=>h(l)).catch(()=>{})},leave(){c.leads=!1,r.abort(),o?.close(),o=void 0},tell(l,f){o?.postMessage({kind:l,data:f})},inTurn:l=>n?l():i.request(`${a}connect`,l)};function h(l){if(!l.aborted)return c.leads=!0,s(),new Promise(f=>l.onabort=f)}return c}var U={en:`Open chat
Close chat
Support
Online
We'll reply as soon as we can
AI assistant
Hi! How can we help?
Messages
Write a message…
Send
Attach a file
Reply
Edit
Delete
Delete this message?
Message deleted
edited
Sending
Sent
Delivered
Read
Not sent
Try again
Cancel
You're offline. We'll send your messages when you're back.
{name} is typing…
How can we reach you?
Email
Phone (+1 …)
Continue
Not now
How did we do?
{count} out of 5 stars
Anything you'd like to add?
Thank you!
Conversation closed
Conversation reopened
This file is too large
This file is empty
Something went wrong. Try again.
You're going a bit fast. You can continue at {time}.
Enter a valid email address.
Include the country code, for example +49 30 123456.
Enter an email address or a phone number.
Reload the page to continue.
You
Files can be up to {size}.
New messages
New conversation`,de:`Chat öffnen
Chat schließen
Support
Online
Wir antworten Ihnen so schnell wie möglich
KI-Assistent
Hallo! Wie können wir helfen?
Nachrichten
Nachricht schreiben …
Senden
Datei anhängen
Antworten
Bearbeiten
Löschen
Diese Nachricht löschen?
Nachricht gelöscht
bearbeitet
Wird gesendet
Gesendet
Zugestellt
Gelesen
Nicht gesendet
Nochmal versuchen
Abbrechen
Sie sind offline. Wir senden Ihre Nachrichten, sobald Sie wieder online sind.
{name} schreibt …
Wie können wir Sie erreichen?
E-Mail
Telefon (+49 …)
Weiter
Nicht jetzt
Wie waren wir?
{count} von 5 Sternen
Möchten Sie etwas ergänzen?
Vielen Dank!
Unterhaltung beendet
Unterhaltung fortgesetzt
Diese Datei ist zu groß
Diese Datei ist leer
Etwas ist schiefgelaufen. Versuchen Sie es noch einmal.
Das war etwas schnell. Um {time} geht es weiter.
Geben Sie eine gültige E-Mail-Adresse ein.
Geben Sie die Ländervorwahl mit an, zum Beispiel +49 30 123456.
Geben Sie eine E-Mail-Adresse oder eine Telefonnummer ein.
Laden Sie die Seite neu, um fortzufahren.
Sie
Dateien dürfen bis zu {size} groß sein.
Neue Nachrichten
Neue Unterhaltung`,fr:`Ouvrir le chat
Fermer le chat
Assistance
En ligne
Nous vous répondrons dès que possible
Assistant IA
Bonjour ! Comment pouvons-nous vous aider ?
Messages
Écrire un message…
Envoyer
Joindre un fichier
Répondre
Modifier
Supprimer
Supprimer ce message ?
Message supprimé
modifié
Envoi en cours
Envoyé
Reçu
Lu
Non envoyé
Réessayer
Annuler
Vous êtes hors ligne. Vos messages seront envoyés à votre retour en ligne.
{name} écrit…
Comment pouvons-nous vous joindre ?
E-mail
Téléphone (+33 …)
Continuer
Pas maintenant
Comment s’est passé cet échange ?
Note de {count} sur 5
Souhaitez-vous ajouter quelque chose ?
Merci !
Conversation terminée
Conversation rouverte
Ce fichier est trop volumineux
Ce fichier est vide
Une erreur est survenue. Veuillez réessayer.
C’est un peu rapide. Vous pourrez continuer à {time}.
Saisissez une adresse e-mail valide.
Indiquez l’indicatif du pays, par exemple +33 1 23 45 67 89.
Saisissez une adresse e-mail ou un numéro de téléphone.
Rechargez la page pour continuer.
Vous
Les fichiers peuvent faire jusqu’à {size}.
Nouveaux messages
Nouvelle conversation`,es:`Abrir el chat
Cerrar el chat
Atención al cliente
En línea
Responderemos lo antes posible
Asistente de IA
¡Hola! ¿Cómo podemos ayudarle?
Mensajes
Escriba un mensaje…
Enviar
Adjuntar un archivo
Responder
Editar
Eliminar
¿Eliminar este mensaje?
Mensaje eliminado
editado
Enviando
Enviado
Entregado
Leído
No enviado
Reintentar
Cancelar
No tiene conexión. Enviaremos sus mensajes cuando vuelva a conectarse.
{name} está escribiendo…
¿Cómo podemos contactarle?
Correo electrónico
Teléfono (+34 …)
Continuar
Ahora no
¿Qué tal lo hicimos?
{count} de 5 estrellas
¿Quiere añadir algo?
¡Gracias!
Conversación cerrada
Conversación reabierta
Este archivo es demasiado grande
Este archivo está vacío
Algo salió mal. Inténtelo de nuevo.
Va un poco rápido. Podrá continuar a las {time}.
Introduzca una dirección de correo válida.
Incluya el prefijo del país, por ejemplo +34 912 345 678.
Introduzca un correo electrónico o un número de teléfono.
Recargue la página para continuar.
Usted
Los archivos pueden tener hasta {size}.
Mensajes nuevos
Nueva conversación`,ar:`فتح المحادثة
إغلاق المحادثة
الدعم
متصل
سنرد عليك في أقرب وقت
مساعد ذكي
مرحبًا! كيف نساعدك؟
الرسائل
اكتب رسالة…
إرسال
إرفاق ملف
رد
تعديل
حذف
هل تريد حذف هذه الرسالة؟
حُذفت الرسالة
معدلة
جارٍ الإرسال
أُرسلت
وصلت
قُرئت
لم تُرسل
إعادة المحاولة
إلغاء
أنت غير متصل بالإنترنت. سنرسل رسائلك عند عودة الاتصال.
{name} يكتب…
كيف نتواصل معك؟
البريد الإلكتروني
الهاتف (‎+966 …)
متابعة
ليس الآن
كيف كانت خدمتنا؟
{count} من 5 نجوم
هل تود إضافة شيء؟
شكرًا لك!
أُغلقت المحادثة
أُعيد فتح المحادثة
هذا الملف كبير جدًا
هذا الملف فارغ
حدث خطأ ما. حاول مرة أخرى.
هذا سريع قليلًا. يمكنك المتابعة في {time}.
أدخل بريدًا إلكترونيًا صالحًا.
أضف رمز الدولة، مثل ‎+966 11 123 4567.
أدخل بريدًا إلكترونيًا أو رقم هاتف.
أعد تحميل الصفحة للمتابعة.
أنت
الحد الأقصى للملف {size}.
رسائل جديدة
محادثة جديدة`};var Te="open close team online away ai welcome messages placeholder send attach reply edit remove sure deleted edited sending sent delivered read failed retry cancel offline typing contact email phone save skip rate stars comment thanks closed reopened large empty wrong slow address number reach reload you limit fresh again";function re(a,e){let t=(U[a.split("-")[0].toLowerCase()]??U.en).split(`
`);return{...Object.fromEntries(Te.split(" ").map((i,n)=>[i,t[n]])),...e}}function ae(a){let e=s=>s.split("-")[0].toLowerCase(),t=navigator.languages.find(s=>e(s)===e(a));try{return Intl.getCanonicalLocales(t??a)[0]}catch{return}}async function ce(a,e,t,s,i){let{name:n,type:r,size:o}=a,c={filename:n,size:o,mimeType:r||"application/octet-stream"},{attachmentId:h,uploadUrl:l}=await e("POST","/upload",c,i);return await new Promise((f,p)=>{let u=new XMLHttpRequest;u.open("PUT",new URL(l,t)),u.responseType="json",u.upload.onprogress=({loaded:m,total:b})=>s(m/b),u.onloadend=()=>{let{status:m,response:b}=u;m>=200&&m<300?f(m):p(new g(m,b??{}))},i.onabort=()=>u.abort(),u.send(a)}),e("POST","/upload/complete",{attachmentId:h},i)}var j=class{stored;unsure;#t;#e;#s;constructor(e,t,s){this.#t=e,this.#e=t,this.#s=s,this.stored=e.get("session")??{},this.unsure=!!this.stored.user}reload(){this.stored=this.#t.get("session")??{}}keep(e){this.stored={...this.stored,...e},this.#t.set("session",this.stored)}forget(){for(let e of this.#t.keys(""))this.#t.remove(e);this.stored={}}async ask(){let{identity:e}=this.#e;return e?{identityToken:e}:new URL(this.#s).origin!==location.origin?{}:L("GET",`${this.#s}/identity`).catch(t=>{if(t.passes&&t.status!==500)throw t;return{}})}};var Le=3e3;async function le(a,e){let t=(a.language??(document.documentElement.lang||navigator.language)).replace(/_/g,"-"),s=re(t,a.texts);return document.body||await new Promise(i=>addEventListener("DOMContentLoaded",i)),new _(a,e,s,t)}var _=class{store=new S;timers=new D;connection=new C(this);greeting={};opened=!1;lost=!1;typist;problem;#t=new $(this);#e;#s=0;#i=Date.now();#o=new AbortController;constructor(e,t,s,i){this.config=e,this.texts=s,this.language=i,this.locale=ae(i),this.emit=t,this.ended=this.#o.signal,this.endpoint=new URL(e.endpoint,location.href).href.replace(/\/$/,"");let n=`pocketping:${this.endpoint}:`;this.storage=ne(n),this.visitor=new j(this.storage,e,this.endpoint),this.tabs=oe(n,this.storage.shared,(r,o)=>this.#p(r,o),()=>this.#h()),this.outgoing=new z(this),this.phone=new M(this),this.#e=new E(this),document.body.append(this.#e),ie({onOnline:()=>this.connection.wake(),onOffline:()=>this.setLost(!0),onLeave:()=>this.#f(),onReturn:()=>this.#c(),onVisibility:r=>this.#d(r),onMove:r=>this.#l(r)},this.timers,this.ended),this.tabs.join(),this.outgoing.show(),(this.visitor.stored.handle||e.identity)&&this.connection.keepConnecting(),e.open&&this.open()}open(){this.opened||this.toggle()}close(){this.opened&&this.toggle()}toggle(){this.opened=!this.opened,this.opened&&!this.connection.connected&&this.connection.keepConnecting(),this.tell(this.opened?"open":"close")}sendMessage(e,t){return this.outgoing.send(e,t)}async remove({id:e,seq:t}){if(!t)return this.outgoing.remove(e);await this.#n("DELETE",`/message/${e}`)&&this.apply({type:"message_deleted",data:{messageId:e,deletedAt:"now"}})}async edit({id:e,seq:t},s){if(!t)return this.outgoing.retry(e,s);let i=await this.#n("PATCH",`/message/${e}`,{content:s});return i&&this.apply({type:"message_edited",data:{...i.message,messageId:e}}),!!i}async loadOlder(){let e=this.store.messages.find(({seq:t})=>t)?.id;return!e||!this.greeting.hasMore?!1:this.connection.read(this.#n("GET","/messages",{before:e}),({hasMore:t,messages:s})=>{this.greeting.hasMore=t,this.take(s)})}async upload(e,t,s){return await this.connection.connect(!0),ce(e,this.connection.call,this.endpoint,t,s)}typing(e){let t=Date.now();e!==t-this.#s<Le&&(this.#s=e?t:0,this.connection.beacon("/typing",{sender:"visitor",isTyping:e}))}async identify(e){let{visitor:t,connection:s}=this;t.keep({identity:e}),await s.settled(),s.connected&&await s.call("POST","/identify",{identity:e})}async tellContact(e){await this.connection.connect(!0),await this.connection.call("POST","/prechat",e),this.greeting.preChatForm=void 0}async rate(e){await this.connection.call("POST","/csat",e),this.greeting.csatRequestedAt=void 0}async trigger(e,t={},{widgetMessage:s}={}){s&&(this.#e.list.welcome(s),this.open()),await this.connection.connect(!0),await this.connection.call("POST","/events",{name:e,data:t})}async restart(){this.visitor.keep({handle:void 0}),this.clear(),await this.connection.keepConnecting(),this.#e.focus()}reset(){this.tabs.tell("reset"),this.visitor.forget(),this.close(),this.clear(!0)}destroy(){this.opened=!1,this.show(),this.#o.abort(),this.#f(),this.outgoing.stop(),this.#t.stop(),this.timers.stop(),this.#e.remove()}#n(...e){return this.connection.call(...e).catch(t=>this.#r("problem",this.explain(t)))}get draft(){return this.visitor.unsure?"":this.storage.get("draft")}explain(e){return se(e,this.texts,this.locale)}pictureOf(e){let{greeting:t,config:s}=this,i=t.operatorName??s.operatorName;return e&&i&&e!==i?void 0:t.operatorAvatar??s.operatorAvatar}get reading(){return this.opened&&!document.hidden}show(e=[]){this.#e.show(e),this.#t.plan()}tell(e,...t){this.show(),this.emit(e,...t)}setLost(e){this.lost=e,this.#e.refresh()}#r(e,t){this[e]=t,this.#e.refresh(),t!==void 0&&this.timers.later(e,()=>this.#r(e),6e3)}receive(e){let{type:t,data:s}=e;if(this.connection.advance(e)){if(t==="typing"&&s.sender!=="visitor")this.#r("typist",s.isTyping?s.operatorName??"":void 0);else if(t==="event")for(let i of["*",s.name])this.emit(`event:${i}`,s);else t==="message"&&T(s)&&!this.store.get(s.id)&&(this.#r("typist"),this.greeting.aiActive=s.sender==="ai",this.emit("message",s),!this.reading&&this.tabs.leads&&this.config.sound&&this.#e.chime());this.apply(e)}}apply(e){let{type:t,data:s}=e,{greeting:i}=this;t==="presence"?i.operatorOnline=s.online:t==="ai_takeover"?i.aiActive=!0:t==="csat_request"&&(i.csatRequestedAt=s.requestedAt),this.show(this.store.apply(e,this.outgoing.texts))}take(e){this.show(e.flatMap(t=>this.store.receive(t,this.outgoing.texts)))}#h(){this.connection.listen(),this.outgoing.flush()}#p(e,t){let{visitor:s}=this;e==="frame"?this.receive(t):e==="lost"?this.setLost(t):e==="sent"?this.outgoing.settle(t.entry,t.sent):e==="outbox"?this.outgoing.heard(t):e==="reset"?(s.stored={},this.#a(),s.unsure=!1):t.handle!==s.stored.handle&&(this.storage.set("session",t),s.stored.handle&&this.clear(),this.connection.keepConnecting())}recognize(e){let{visitor:t,outgoing:s}=this,{user:i}=t.stored;if(i&&i!==e){let n=t.unsure&&this.#e.draft,r=t.unsure?s.own:[];this.tabs.tell("reset"),t.forget(),n&&this.storage.set("draft",n),s.keep(r),t.unsure=!1,this.clear(!0)}t.keep({user:e??void 0}),t.unsure&&(t.unsure=!1,this.#e.restore(),s.show())}async#u(){let{visitor:e,connection:t,config:s}=this;if(!t.connected||s.identity)return;let{user:i}=await e.ask().catch(()=>e.stored);i!==void 0&&(i??void 0)!==e.stored.user&&t.keepConnecting()}#a(){this.visitor.unsure=!0,this.outgoing.forget(),this.clear(!0)}clear(e){this.connection.hangUp(),this.connection.connected=!1,this.store=new S,Object.assign(this.greeting,{csatRequestedAt:void 0,aiActive:!1,hasMore:!1}),e&&this.#e.replaceWith(this.#e=new E(this)),this.outgoing.show()}#c(){this.tabs.join(),this.connection.wake(),this.visitor.stored.user?this.#a():this.clear()}#d(e){let{visibilityState:t,hidden:s}=document;this.connection.beacon("/visibility",{state:t,timestamp:new Date().toISOString()}),e?this.connection.wake():s||this.#u(),this.#t.plan()}#l(e){this.#e.refresh(),e&&this.connection.connected&&this.connection.keepConnecting()}#f(){let e=Date.now()-this.#i;this.tabs.leads&&this.connection.beacon("/disconnect",{duration:e,reason:"pagehide"}),this.connection.hangUp(),this.tabs.leave()}};var he=document.currentScript;"PocketPing"in window||Ce();function Ce(){let a=new Map,e,t,s=!1,i=[];function n(){s=!1,t=new Promise(p=>e=p)}function r(p,u){return a.set(p,(a.get(p)??new Set).add(u)),()=>o(p,u)}function o(p,u){a.get(p)?.delete(u)}function c(p,...u){for(let m of a.get(p)??[])queueMicrotask(()=>m(...u))}function h(p){return s||(s=!0,i=Object.entries(p).flatMap(([u,m])=>typeof m=="function"?r(u.slice(2).toLowerCase(),m):[]),e(le(p,c))),t}async function l(){if(!s)return;let p=t;i.forEach(u=>u()),n(),(await p).destroy()}n();let f={init:h,destroy:l,on:r,onEvent:(p,u)=>r(`event:${p}`,u),offEvent:(p,u)=>o(`event:${p}`,u)};for(let p of["open","close","toggle","sendMessage","identify","reset","trigger"])f[p]=async(...u)=>(await t)[p](...u);if(window.PocketPing=f,he?.dataset.endpoint){let p={...he.dataset};for(let u in p)/^(true|false|{.*)$/.test(p[u])&&(p[u]=JSON.parse(p[u]));h(p)}}})();
