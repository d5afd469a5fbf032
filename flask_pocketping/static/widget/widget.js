"use strict";(()=>{var M={en:`Open chat
Close chat
Support
Online
We reply as soon as we can
AI assistant
Hi! How can we help?
Messages
Write a message…
Send
Attach a file
Reply
Edit
Delete
Really delete?
Message deleted
edited
Sending
Sent
Delivered
Read
Not sent
Try again
Cancel
No connection. What you write is sent later.
{name} is typing…
How can we reach you?
Email
Phone (+1 …)
Continue
Not now
How did we do?
{count} of 5
Anything to add?
Thank you!
Conversation closed
Conversation reopened
This file is too large`,de:`Chat öffnen
Chat schließen
Support
Online
Wir antworten so bald wie möglich
KI-Assistent
Hallo! Wie können wir helfen?
Nachrichten
Nachricht schreiben …
Senden
Datei anhängen
Antworten
Bearbeiten
Löschen
Wirklich löschen?
Nachricht gelöscht
bearbeitet
Wird gesendet
Gesendet
Zugestellt
Gelesen
Nicht gesendet
Nochmal versuchen
Abbrechen
Keine Verbindung. Was Sie schreiben, wird später gesendet.
{name} schreibt …
Wie können wir Sie erreichen?
E-Mail
Telefon (+49 …)
Weiter
Nicht jetzt
Wie waren wir?
{count} von 5
Möchten Sie etwas ergänzen?
Vielen Dank!
Unterhaltung beendet
Unterhaltung fortgesetzt
Diese Datei ist zu groß`,fr:`Ouvrir le chat
Fermer le chat
Assistance
En ligne
Nous répondons dès que possible
Assistant IA
Bonjour ! Comment pouvons-nous vous aider ?
Messages
Écrire un message…
Envoyer
Joindre un fichier
Répondre
Modifier
Supprimer
Vraiment supprimer ?
Message supprimé
modifié
Envoi en cours
Envoyé
Reçu
Lu
Non envoyé
Réessayer
Annuler
Pas de connexion. Vos messages seront envoyés plus tard.
{name} écrit…
Comment pouvons-nous vous joindre ?
E-mail
Téléphone (+33 …)
Continuer
Pas maintenant
Êtes-vous satisfait ?
{count} sur 5
Quelque chose à ajouter ?
Merci !
Conversation terminée
Conversation rouverte
Ce fichier est trop volumineux`,es:`Abrir el chat
Cerrar el chat
Atención
En línea
Respondemos lo antes posible
Asistente de IA
¡Hola! ¿Cómo podemos ayudar?
Mensajes
Escriba un mensaje…
Enviar
Adjuntar un archivo
Responder
Editar
Eliminar
¿Eliminar de verdad?
Mensaje eliminado
editado
Enviando
Enviado
Entregado
Leído
No enviado
Reintentar
Cancelar
Sin conexión. Sus mensajes se enviarán más tarde.
{name} está escribiendo…
¿Cómo podemos contactarle?
Correo electrónico
Teléfono (+34 …)
Continuar
Ahora no
¿Qué tal lo hicimos?
{count} de 5
¿Algo que añadir?
¡Gracias!
Conversación cerrada
Conversación reabierta
Este archivo es demasiado grande`,ar:`فتح المحادثة
إغلاق المحادثة
الدعم
متصل
سنرد في أقرب وقت
مساعد ذكي
مرحبًا! كيف نساعدك؟
الرسائل
اكتب رسالة…
إرسال
إرفاق ملف
رد
تعديل
حذف
تأكيد الحذف؟
حُذفت الرسالة
معدلة
جارٍ الإرسال
أُرسلت
وصلت
قُرئت
لم تُرسل
إعادة المحاولة
إلغاء
لا يوجد اتصال. ستُرسل رسائلك لاحقًا.
{name} يكتب…
كيف نتواصل معك؟
البريد الإلكتروني
الهاتف (‎+966 …)
متابعة
ليس الآن
كيف كانت خدمتنا؟
{count} من 5
هل تود إضافة شيء؟
شكرًا لك!
أُغلقت المحادثة
أُعيد فتح المحادثة
هذا الملف كبير جدًا`};var X="open close team online away ai welcome messages placeholder send attach reply edit remove sure deleted edited sending sent delivered read failed retry cancel offline typing contact email phone save skip rate stars comment thanks closed reopened large";function q(a,t){let e=(M[a.split("-")[0].toLowerCase()]??M.en).split(`
`);return{...Object.fromEntries(X.split(" ").map((i,n)=>[i,e[n]])),...t}}var P=new CSSStyleSheet;P.replaceSync(`
:host{position:fixed;z-index:2147483000;--paper:light-dark(#fff,#16181d);--soft:light-dark(#f1f3f6,#262a32);
--ink:light-dark(#16181d,#eceef2);--dim:light-dark(#5b6270,#a3abb9);--bad:light-dark(#b3261e,#ffb4ab)}
[hidden]{display:none!important}
.root{all:initial;display:block;color-scheme:inherit;font:15px/1.45 system-ui,sans-serif;color:var(--ink)}
*{box-sizing:border-box;margin:0;font:inherit;color:inherit}
:focus-visible,:focus-visible+svg,.field:has(textarea:focus){outline:2px solid;outline-offset:-2px}
button{border:0;padding:8px;background:none;cursor:pointer;border-radius:8px}
button:where(:hover){background:#8883}
svg{width:22px;display:block;fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round}
.launcher,.panel{position:fixed;bottom:20px;right:20px;box-shadow:0 4px 32px #0005}
[class$=left]>*{right:auto!important;left:20px}
.bubble,.notice,.chip,.day{background:var(--soft)}
.bubble{width:fit-content;max-width:80%;margin:2px 0;padding:8px 12px;border-radius:16px;
overflow-wrap:anywhere;white-space:pre-wrap}
.own,.main{--on:var(--brand)}
.head{--on:var(--head)}
.launcher{--on:var(--toggle);padding:19px;border-radius:50%}
.log{--on:var(--wall)}
.launcher,.head,.main,.own .bubble,.log{background:var(--on)}
.launcher,.head,.main,.own .bubble,[class*="#"] :is(.name,.tools){
color:lab(from var(--on) calc(9e3*(49.5 - l)) 0 0)}
.badge{position:absolute;inset:-2px -2px auto auto;padding:0 8px;border-radius:12px;background:#b3261e;color:#fff;line-height:22px}
.panel{bottom:92px;width:384px;height:min(640px,100dvh - 112px);display:flex;flex-direction:column;overflow:hidden;
border-radius:16px;background:var(--paper);animation:rise .2s}
@keyframes rise{from{opacity:0;translate:0 12px}}
.head,.chip{display:flex;align-items:center;gap:12px}
.head{padding:12px 16px}
.head>div,.chip>span{flex:1;min-width:0}
h2,b{font-weight:600}
h2,.excerpt{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.state,.notice,.day,.name,.excerpt,.typing,.error,.chip,.badge{font-size:13px}
.online::before{content:"● ";color:#4ade80}
.avatar{width:40px;height:40px;border-radius:50%;object-fit:cover}
.notice{padding:8px 16px;text-align:center}
.log{flex:1;overflow-y:auto;overscroll-behavior:contain;padding:12px 16px}
.whatsapp{--wall:light-dark(#efeae2,#101b1a)}
.whatsapp .log,.dots .log{background-image:radial-gradient(#8884 2px,#0000 0);background-size:20px 20px}
.message{display:flow-root;content-visibility:auto;contain-intrinsic-size:auto 56px}
.day{width:fit-content;margin:12px auto;padding:2px 12px;border-radius:12px;text-align:center}
.day,.meta,.name,.typing{color:var(--dim)}
.name{margin:8px 4px 0}
.own .bubble{margin-inline-start:auto}
.own .tools{justify-content:end}
.own .meta{color:inherit}
.bubble button,.day button{padding:2px 8px;text-decoration:underline}
.message:not(:last-child) .day button{display:none}
.meta{display:block;font-size:12px;text-align:end}
.error,.failed .bubble{color:var(--bad)}
.failed .bubble{background:var(--soft);border:1px solid}
.gone{font-style:italic}
.excerpt{display:block;padding-inline-start:8px;border-inline-start:3px solid}
.picture{display:block;max-width:100%;max-height:240px;height:auto;object-fit:cover;border-radius:8px}
.tools,.stars,.field{display:flex}
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
@media(max-width:480px){.panel{inset:var(--above,0) 0 auto!important;width:auto;height:var(--height,100dvh);border-radius:0}
.panel:not([hidden])+.launcher{display:none}}
@media(prefers-reduced-motion){*{animation:none!important}}
@media print{:host{display:none}}`);var Q={chat:"M4 5h16v11h-9l-5 4v-4H4z",close:"M6 6l12 12M18 6L6 18",send:"M5 12L4 4l17 8-17 8 1-8h7",attach:"M8 12l6-6a3 3 0 0 1 4 4l-8 8a5 5 0 0 1-7-7l7-7",reply:"M9 7l-5 5 5 5M4 12h9a6 6 0 0 1 6 6",edit:"M5 19v-4L16 4l4 4L9 19z",remove:"M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",star:"M12 4l2 5 6 1-4 4 1 5-5-2-5 2 1-5-4-4 6-1z"};function k(a){let[t,e]=["svg","path"].map(s=>document.createElementNS("http://www.w3.org/2000/svg",s));return t.setAttribute("viewBox","0 0 24 24"),t.ariaHidden="true",e.setAttribute("d",Q[a]),t.append(e),t}function l(a,t="",e={},...s){let i=Object.assign(document.createElement(a),e,{className:t});return i.append(...s),i}function g(a,t,e){return l("button",a,{type:e?"button":"submit",ariaLabel:t,title:t,onclick:e},k(a))}function w(a,t){return l("button","",{type:"button",onclick:()=>t()},a)}function S(a,t){return l("a","",{href:a,target:"_blank",rel:"noopener noreferrer"},t)}function y(a,t=""){a.textContent!==t&&(a.textContent=t),a.hidden=!t}var Z=/https:\/\/[^\s<>"]*[^\s<>".,:;!?)\]}]/g,tt={sending:"◷",sent:"✓",delivered:"✓✓",read:"✓✓",failed:"!"},et=864e5,O=class{element=l("div","log",{role:"log",tabIndex:0});#t=new Map;#s;#e;constructor(t,e){this.#s=t,this.#e=e;let{element:s}=this;s.ariaLabel=t.texts.messages,s.setAttribute("aria-relevant","additions"),s.onscroll=()=>s.scrollTop<200&&this.#d(),s.onkeydown=i=>this.#l(i);for(let i of["mouseover","focusin","click"])s.addEventListener(i,({target:n})=>this.#h(n));this.welcome(t.config.welcomeMessage??t.texts.welcome)}welcome(t){let{firstElementChild:e}=this.element;e&&(e.textContent=""),(e??this.element.appendChild(l("div","message"))).append(l("div","bubble",{dir:"auto"},t))}toEnd(t=9,e=0){let{element:s}=this;!t||s.scrollTop<e||(s.scrollTop=1e9,e=s.scrollTop,requestAnimationFrame(()=>this.toEnd(t-1,e)))}show(t){let{messages:e}=this.#s.store,{scrollHeight:s,scrollTop:i,clientHeight:n}=this.element,o=s-i-n<80||t.some(({status:c})=>c==="sending"),r=new Set(e);for(let[c,d]of this.#t)r.has(c)||(d.remove(),this.#t.delete(c));let h=new Set(t.map(({id:c})=>c));e.forEach(({id:c,replyTo:d=""},f)=>{[c,d,e[f-1]?.id].some(p=>h.has(p))&&this.#i(f)}),o&&t.length&&this.toEnd()}#i(t){let{messages:e}=this.#s.store,s=e[t],i=this.#t.get(s)??l("div","",{tabIndex:-1});i.className=`message ${s.sender==="visitor"?"own":""} ${s.status}`;let n=s.deletedAt?null:i.querySelector(".tools");for(let r of[...i.children])r!==n&&r.remove();i.prepend(...this.#n(e[t-1],s));let o=this.#t.get(e[t-1])??this.element.firstElementChild;i.previousElementSibling!==o&&o?.after(i),this.#t.set(s,i)}#n(t,e){let{metadata:s,timestamp:i}=e,n=[],o=this.#r(i),r=!t||this.#r(t.timestamp)!==o;if(r&&n.push(l("div","day",{},o)),s?.system)return[...n,this.#o(e)];let h=this.#c(e);return h&&(r||this.#c(t)!==h)&&n.push(l("div","name",{},h)),[...n,this.#u(e)]}#o({content:t,metadata:{kind:e=""}={}}){let{texts:s}=this.#s,i=e.slice(8),n=l("div","day system",{dir:"auto"},s[i]??t);return i==="closed"&&n.append(l("br"),w(s.placeholder,()=>this.#e.text.focus())),n}#r(t){let{language:e}=this.#s,s=new Date(t),i=Math.round((s.setHours(0,0,0,0)-new Date().setHours(0,0,0,0))/et),n=new Intl.RelativeTimeFormat(e,{numeric:"auto"}).format(i,"day");return i>-2?n[0].toLocaleUpperCase()+n.slice(1):s.toLocaleDateString(e,{dateStyle:"long"})}#c(t){if(!t||t.sender==="visitor"||t.metadata?.system)return"";let{texts:e,config:s}=this.#s;return t.operatorName??(t.sender==="ai"?e.ai:s.operatorName??e.team)}#u(t){let{store:e,texts:s}=this.#s;if(t.deletedAt)return l("div","bubble gone",{},s.deleted);let i=t.replyTo&&e.get(t.replyTo),n=i?[l("span","excerpt",{dir:"auto"},i.content||s.deleted)]:[],o=(t.attachments??[]).map(r=>this.#p(r));return l("div","bubble",{dir:"auto"},...n,...o,...st(t.content),this.#a(t))}#p({url:t,thumbnailUrl:e,filename:s,width:i,height:n}){let o=d=>new URL(d,this.#s.endpoint).href,r=i&&n?{width:i,height:n}:{},h=`📎 ${s}
`;if(!e)return S(o(t),h);let c=l("img","picture",{...r,alt:s,src:o(e)});return c.onerror=()=>c.replaceWith(h),S(o(t),c)}#a(t){let e=this.#s,{texts:s,language:i}=e,n=new Date(t.timestamp).toLocaleTimeString(i,{hour:"numeric",minute:"2-digit"}),o=l("span","meta",{},n,t.editedAt?` · ${s.edited} `:" ");if(t.sender!=="visitor")return o;let r=t.status;if(o.append(l("span","",{role:"img",ariaLabel:s[r],title:s[r]},tt[r])),t.error){let h=w(s.retry,()=>e.retry(t));o.append(` ${t.error} `,h,w(s.remove,()=>e.remove(t)))}return o}#h(t){let e=t.closest(".message"),s=[...this.#t].find(([,h])=>h===e)?.[0];if(!e||!s?.seq||s.deletedAt||s.metadata||e.querySelector(".tools"))return;this.element.querySelector(".tools")?.remove();let{texts:i}=this.#s,n=h=>g(h,i[h],()=>this.#e.pick(h,s)),o=l("div","tools",{},n("reply")),r=()=>o.replaceChildren(w(i.sure,()=>this.#s.remove(s)));s.sender==="visitor"&&o.append(n("edit"),g("remove",i.remove,r)),e.append(o)}#l(t){let e={ArrowUp:"previousElementSibling",ArrowDown:"nextElementSibling"}[t.key];if(!e)return;t.preventDefault();let s=t.target.closest(".message");(s?s[e]:this.element.lastElementChild)?.focus()}async#d(){let{element:t}=this;if(t.ariaLive==="off")return;t.ariaLive="off";let e=t.scrollHeight-t.scrollTop;await this.#s.loadOlder()&&(t.scrollTop=t.scrollHeight-e),t.ariaLive="polite"}};function st(a){let t=[],e=0;for(let{0:s,index:i}of a.matchAll(Z))t.push(a.slice(e,i),S(s,s)),e=i+s.length;return[...t,a.slice(e)]}var A=class{text=l("textarea","",{rows:1,maxLength:4e3,dir:"auto"});#t=l("div","chip",{hidden:!0});#s=l("div");#e={};#i=new Set;#n=!1;#o;constructor(t){this.#o=t;let{texts:e,config:s}=t,{text:i}=this;i.placeholder=i.ariaLabel=s.placeholder??e.placeholder,i.value=t.draft;let n=l("input","",{type:"file",multiple:!0,hidden:!0});n.onchange=()=>this.#h(n.files);let o=g("attach",e.attach,()=>n.click()),r=l("div","field",{},o,i,g("send",e.send));this.element=l("form","composer",{},this.#t,this.#s,r,n),this.element.onsubmit=h=>{h.preventDefault(),this.#p()},i.oninput=()=>this.#c(),i.onkeydown=h=>this.#u(h),i.onpaste=({clipboardData:h})=>this.#h(h?.files)}restore(){this.text.value||(this.text.value=this.#o.draft)}takeDrops(t){let e=s=>{s.preventDefault(),t.classList.toggle("over",s.type==="dragover")};t.ondragover=t.ondragleave=e,t.ondrop=s=>(e(s),this.#h(s.dataTransfer?.files))}pick(t,e){let{texts:s}=this.#o;if(this.#e.kind==="edit"&&this.#r(""),this.#e={kind:t,message:e},this.#t.hidden=!e,!t||!e)return;t==="edit"&&this.#r(e.content);let i=l("span","excerpt",{dir:"auto"},`${s[t]}: ${e.content}`);this.#t.replaceChildren(i,g("close",s.cancel,()=>this.pick())),this.text.focus()}#r(t){this.text.value=t,this.#c()}#c(){let{text:t}=this,e=this.#o;this.#e.kind!=="edit"&&e.storage.set("draft",t.value),e.typing(t.value!==""),t.style.height="",t.value&&(t.style.height=`${t.scrollHeight}px`)}#u(t){let{key:e,shiftKey:s,isComposing:i}=t;e==="Enter"&&!s&&!i?(t.preventDefault(),this.#p()):e==="Escape"&&this.#e.kind&&(t.stopPropagation(),this.pick())}#p(){let t=this.#o,{kind:e,message:s}=this.#e,i=this.text.value.trim(),n=[...this.#i];if(this.#n=n.some(({done:r})=>!r),this.#n||!(i||n.length)||this.text.disabled)return;let o=n.flatMap(({done:r})=>r??[]);e==="edit"&&s?this.#a(s,i):t.sendMessage(i,{replyTo:s?.id,attachments:n.length?o:void 0}),this.#i.clear(),this.#s.replaceChildren(),this.#e={},this.pick(),this.#r("")}async#a(t,e){!await this.#o.edit(t.id,e)&&!this.text.value&&this.pick("edit",{...t,content:e})}#h(t){for(let e of t??[])this.#l(e)}#l(t){let{texts:e}=this.#o,s={},i=new AbortController,n=l("progress","",{ariaLabel:t.name,value:0}),o=l("span","excerpt"),r=async()=>{o.textContent=t.name,h.hidden=!0;try{s.done=await this.#o.upload(t,f=>n.value=f,i.signal),n.remove(),this.#n&&this.#p()}catch(f){o.textContent=this.#o.explain(f),h.hidden=!1}},h=w(e.retry,r),c=()=>{i.abort(),this.#i.delete(s),this.#n=!1,d.remove()},d=l("div","chip",{},o,n,h,g("close",`${e.remove} ${t.name}`,c));this.#i.add(s),this.#s.append(d),it(t,d),r()}};async function it(a,t){let e=a.type.startsWith("image/")&&await createImageBitmap(a,{resizeHeight:48}).catch(()=>null);if(!e)return;let{width:s,height:i}=e,n=l("canvas","",{width:s,height:i});n.getContext("2d")?.drawImage(e,0,0),t.prepend(n)}function R(a,t){let{texts:e,greeting:s}=a,{fields:i="",required:n}=s.preChatForm??{},o=[];for(let[r,h,c]of[["email","email",e.email],["phone","tel",e.phone]]){let d=!i.includes("-or-"),f={name:r,type:h,autocomplete:h,placeholder:c,ariaLabel:c,required:d};i.includes(r)&&o.push(l("input","",f))}return H(a,e.contact,e.save,n?"":w(e.skip,t),o,async({email:r,phone:h})=>{await a.tellContact({email:r,phone:h?.replace(/[^+\d]/g,"")}),t()})}function B(a,t){let{texts:e}=a,s=[1,2,3,4,5].map(r=>{let h=e.stars.replace("{count}",`${r}`),c=l("input","",{type:"radio",name:"score",value:r,ariaLabel:h,required:!0});return l("label","",{title:h},c,k("star"))}),i={name:"comment",rows:1,maxLength:1e3,placeholder:e.comment,ariaLabel:e.comment},n=l("textarea","",i),o=[l("div","stars",{},...s),n];return H(a,e.rate,e.send,w(e.skip,t),o,async({score:r,comment:h})=>{await a.rate({score:Number(r),comment:h}),t(e.thanks)})}function H(a,t,e,s,i,n){let o=l("p","error",{role:"alert"}),r=l("form","card",{ariaLabel:t},l("b","",{},t),...i,o,s,l("button","main",{},e));return r.onsubmit=h=>{h.preventDefault();let c=[...new FormData(r)].map(([d,f])=>[d,`${f}`.trim()||void 0]);n(Object.fromEntries(c)).catch(d=>o.textContent=a.explain(d))},r}var x=class extends HTMLElement{#t=l("img","avatar",{alt:""});#s=l("h2");#e=l("p","state",{role:"status"});#i=l("p","notice",{role:"status"});#n=l("p","typing",{role:"status"});#o=l("span","badge",{ariaHidden:"true"});#r=l("div");#c="";#u=0;#p="";#a;#h;#l;#d;constructor(t){super(),this.#a=t;let{config:e,texts:s,language:i}=t;this.#h=new A(t),this.list=new O(t,this.#h),this.#l=l("button","launcher",{onclick:()=>t.toggle()},k("chat"),this.#o),this.#d=l("section","panel",{role:"dialog",ariaLabel:s.team,hidden:!0},l("div","head",{},this.#t,l("div","",{},this.#s,this.#e),g("close",s.close,()=>t.close())),this.#i,this.list.element,this.#n,this.#r,this.#h.element),this.#d.onkeydown=({key:h})=>{h==="Escape"&&t.close()},this.#h.takeDrops(this.#d);let n=/^(ar|fa|he|ur)/.test(i)?"rtl":"ltr",o=this.attachShadow({mode:"open"});o.adoptedStyleSheets=[P],o.append(l("div",`root ${e.position}`,{lang:i,dir:n},this.#d,this.#l)),o.addEventListener("keydown",h=>h.stopPropagation());let{theme:r=""}=e;this.style.colorScheme=/light|dark/.test(r)?r:"light dark",this.hidden=!0,setTimeout(()=>this.hidden=!1,e.showDelay),visualViewport?.addEventListener("resize",()=>this.#b()),this.refresh()}show(t){this.list.show(t),this.refresh()}get draft(){return this.#h.text.value}restore(){this.#h.restore()}refresh(){let{greeting:t,config:e,texts:s,typist:i,store:n,lost:o,problem:r}=this.#a;this.#k(),this.#f();let c=n.messages.findLast(({sender:f,operatorName:p})=>f==="operator"&&p)?.operatorName??t.operatorName??e.operatorName??s.team,d=t.operatorAvatar??e.operatorAvatar;this.#t.hidden=!d,d&&this.#t.getAttribute("src")!==d&&(this.#t.src=d),this.#e.classList.toggle("online",!!t.operatorOnline),y(this.#s,c),y(this.#e,s[t.operatorOnline?"online":t.aiActive?"ai":"away"]),y(this.#i,o?s.offline:r),y(this.#n,i===void 0?"":s.typing.replace("{name}",i||c)),this.#S()}chime(){let t=new AudioContext,e=t.createOscillator(),s=t.createGain();s.gain.value=.1,s.gain.linearRampToValueAtTime(0,.4),e.connect(s).connect(t.destination),e.start(),e.stop(.4),setTimeout(()=>t.close(),500)}#k(){let{config:t,greeting:e}=this.#a,s=t.primaryColor??e.primaryColor??"#1f5eff",{headerColor:i=s,toggleColor:n=s}=e,{footerColor:o="",chatBackground:r=""}=e,h=Object.entries({brand:s,head:i,toggle:n,foot:o,wall:r});for(let[c,d]of h)this.style.setProperty(`--${c}`,d);this.#d.className=`panel ${r}`}#f(){let{opened:t,config:e,texts:s,store:i}=this.#a,{showOnPages:n,hideOnPages:o,launcher:r,titleBadge:h}=e,c=t?0:i.unread().length;c!==this.#u&&this.#a.emit("unread",c),this.#u=c,y(this.#o,c?`${c}`:"");let d=t?s.close:s.open;this.#l.ariaLabel=c?`${d} (${c})`:d,this.#l.ariaExpanded=`${t}`;let f=u=>new RegExp(u).test(location.pathname);this.#l.hidden=r===!1||n?.some(f)===!1||!!o?.some(f);let p=this.#d.hidden===t;if(this.#d.hidden=!t,h){let u=document.title===this.#c?document.title.replace(/^\(\d+\) /,""):document.title;document.title=this.#c=c?`(${c}) ${u}`:u}if(p){if(!t)return this.#l.focus();this.#b(),this.list.toEnd(),this.#h.text.focus()}}#S(){let{greeting:t,store:e}=this.#a,{preChatForm:s,csatRequestedAt:i}=t,n=e.messages.some(({sender:c})=>c==="visitor"),o=s&&!s.completed&&(n||s.timing.startsWith("before"));this.#h.text.disabled=!!(o&&s.required&&!n);let r=!(o&&s.required)&&i||(o?"contact":"");if(r===this.#p)return;this.#p=r;let h=(c="")=>{this.#r.replaceChildren(...c?[l("p","notice",{role:"status"},c)]:[]),this.refresh(),this.#h.text.focus()};if(!r)return this.#r.querySelector("form")?.remove();this.#r.replaceChildren((r==="contact"?R:B)(this.#a,h)),this.list.toEnd()}#b(){visualViewport&&(this.#d.style.setProperty("--height",`${visualViewport.height}px`),this.#d.style.setProperty("--above",`${visualViewport.offsetTop}px`))}};customElements.get("pocketping-chat")||customElements.define("pocketping-chat",x);var $=({sender:a,metadata:t})=>a!=="visitor"&&!t?.kind,E=class{messages=[];#t=new Map;#s=[];get(t){return this.#t.get(t)}receive(t,e=[]){let s=this.get(t.id);if(!s&&t.sender==="visitor"&&e.includes(t.content))return this.#s.push(t),[];let i=Object.assign(s??t,t);return this.#t.set(i.id,i),this.#e(i),[i]}settle(t,{messageId:e,...s}){let i=this.get(t);if(!i)return[];let n=this.remove(e);return this.#t.delete(t),this.receive(Object.assign(i,{status:"sent"},n,s,{id:e}))}release(t){return this.#s.splice(0).flatMap(e=>this.receive(e,t))}remove(t){let e=this.get(t);return this.#t.delete(t),e&&this.messages.splice(this.messages.indexOf(e),1),e}apply({type:t,data:e},s){if(t==="message")return this.receive(e,s);let{messageId:i,messageIds:n=[i],...o}=e;if(t==="message_deleted")Object.assign(o,{content:"",attachments:[]});else if(t!=="read"&&t!=="message_edited")return[];let r=[...this.messages,...this.#s].filter(({id:h})=>n.includes(h));for(let h of r)Object.assign(h,o);return r}unread(){return this.messages.filter(t=>$(t)&&t.status!=="read"&&!t.deletedAt)}#e(t){let{messages:e}=this,{seq:s=1/0}=t,i=e.indexOf(t);if(i>=0&&!t.seq)return;i>=0&&e.splice(i,1);let n=e.length;for(;n&&(e[n-1].seq??1/0)>s;)n--;e.splice(n,0,t)}};var C="out:",L=class{#t=!1;#s=0;#e=0;#i;#n;#o;#r;constructor(t,e,s,i){this.#i=t,this.#n=e,this.#o=s,this.#r=i}get entries(){return this.#i.keys(C).map(e=>this.#i.get(e)).filter(Boolean).sort((e,s)=>e.at-s.at)}get waiting(){return this.entries.filter(({error:t})=>!t)}put(t){this.#i.set(C+t.clientId,t)}has(t){return!!this.#i.get(C+t)}remove(t){this.#i.remove(C+t)}async flush(t=0){if(this.#e=t,!this.#t){this.stop(),this.#t=!0;try{for(let[e]=this.waiting;e;[e]=this.waiting)await this.#c(e),this.#e=0}catch(e){let s=e.wait||this.#r(this.#e);this.#s=setTimeout(()=>this.flush(this.#e+1),s)}this.#t=!1}}stop(){clearTimeout(this.#s)}async#c(t){try{let e=await this.#n(t);if(!e)return;this.remove(t.clientId),this.#o(t,e)}catch(e){let{message:s,passes:i,code:n}=e;if(i!==!1||n==="SESSION_NOT_FOUND")throw e;let o={...t,error:s};this.put(o),this.#o(o)}}};function W(a){let t={},e={};try{localStorage[a]="",e=localStorage,delete e[a]}catch{}function s(i){delete t[a+i],delete e[a+i]}return{shared:"setItem"in e,remove:s,get(i){try{return JSON.parse(t[a+i]??e[a+i])}catch{return null}},set(i,n){let o=JSON.stringify(n);s(i);try{e[a+i]=o}catch{t[a+i]=o}},keys(i){return Object.keys({...t,...e}).filter(o=>o.startsWith(a+i)).map(o=>o.slice(a.length))}}}var b=class extends Error{constructor(t,e={},s=0){super(e.message??"No connection."),this.status=t,this.code=e.code??(t===413?"PAYLOAD_TOO_LARGE":void 0),this.details=e.details,this.wait=s*1e3,this.passes=!t||t===429||t>=500}};async function D(a,t,e,s){let i={method:a,keepalive:!0,signal:s??AbortSignal.timeout(3e4)};/GET|DELETE/.test(a)?t+=I(e):Object.assign(i,{body:JSON.stringify(e),headers:{"Content-Type":"application/json"}});let n=await fetch(t,i).catch(()=>{throw new b(0)}),o=await n.json().catch(()=>{});if(n.ok&&o)return o;throw(n.ok||/40[1345]/.test(`${n.status}`))&&nt(a,t,n),new b(n.ok?0:n.status,o,Number(n.headers.get("Retry-After")))}var z=!1;function nt(a,t,{headers:e,redirected:s,url:i,status:n}){if(z||!/html/.test(e.get("Content-Type")??""))return;z=!0;let[o,r]=[t,i].map(c=>c.split("?")[0]),h=s?`the HTML page ${r}`:`an HTML page with status ${n}`;console.error(`PocketPing: ${a} ${o} was answered by ${h} instead of the chat. If the app checks sign-in before each request, let its blueprint "pocketping" through.`)}var I=(a={})=>`?${new URLSearchParams(Object.entries(a))}`,T=a=>Math.min(3e4,500*2**a)*(.5+Math.random()/2);var ot=2e3,rt=150,at=5e3,_={ws:[5e3,({onFrame:a,address:t},e,s)=>{let i=new WebSocket(t().replace("http","ws"));return i.onopen=e,i.onmessage=({data:n})=>a(JSON.parse(n)),i.onclose=s,()=>{i.onclose=i.onmessage=null,i.close()}}],sse:[15e3,({onFrame:a,address:t},e,s)=>{let i=new EventSource(t());i.onopen=e,i.onerror=s;for(let n of["message","csat_request"])i.addEventListener(n,({data:o})=>a(JSON.parse(o)));return()=>i.close()}],poll:[15e3,({poll:a,onFrame:t},e,s,i)=>{let n=0,o=!1;async function r(){let h=!o&&(i||n++<=rt)&&await a().catch(()=>{});if(!o){if(!h)return s();e(),h.frames.forEach(t),t({type:"",data:{},cursor:h.cursor}),t({type:"presence",data:{online:h.operatorOnline}}),setTimeout(r,h.hasMore?0:ot)}}return r(),()=>o=!0}]};function F(a){let{transport:t="",carried:e=Object.keys(_),onState:s,onLost:i}=a,n=e.includes(t)?[t]:e,o=0,r=0,h=0,c=()=>{};function d(){clearTimeout(h),c(),c=()=>{}}function f(){let[p,u]=_[n[o]],m=0;function v(){d();let j=m&&Date.now()-m>at;if(o=j?0:(o+1)%n.length,o)return f();j&&(r=0),s(!1);let Y=c;h=setTimeout(async()=>{await i().catch(()=>{}),c===Y&&f()},T(r++))}function K(){m||s(!0),m||=Date.now(),clearTimeout(h)}h=setTimeout(v,p),c=u(a,K,v,!n[1])}return f(),{wake(){d(),o=r=0,f()},stop:d}}async function U(a,t,e,s,i){let{name:n,type:o,size:r}=a,h={filename:n,size:r,mimeType:o||"application/octet-stream"},{attachmentId:c,uploadUrl:d}=await t("POST","/upload",h,i);return await new Promise((f,p)=>{let u=new XMLHttpRequest;u.open("PUT",new URL(d,e)),u.responseType="json",u.upload.onprogress=({loaded:m,total:v})=>s(m/v),u.onloadend=()=>{let{status:m,response:v}=u;m>=200&&m<300?f(m):p(new b(m,v??{}))},i.onabort=()=>u.abort(),u.send(a)}),t("POST","/upload/complete",{attachmentId:c},i)}function G(a,t,e,s){let{locks:i}=navigator,n=!t||!i,o,r,h={leads:!1,join(){o=new AbortController;let{signal:d}=o;if(n)return void c(d);r=new BroadcastChannel(a),r.onmessage=({data:f})=>e(f.kind,f.data),i.request(a,{signal:d},()=>c(d)).catch(()=>{})},leave(){h.leads=!1,o.abort(),r?.close(),r=void 0},tell(d,f){r?.postMessage({kind:d,data:f})},inTurn:d=>n?d():i.request(`${a}connect`,d)};function c(d){if(!d.aborted)return h.leads=!0,s(),new Promise(f=>d.onabort=f)}return h}var ht=3e4,ct=3e3,lt=6e3;async function V(a,t){let e=a.language??(document.documentElement.lang||navigator.language),s=q(e,a.texts);return document.body||await new Promise(i=>addEventListener("DOMContentLoaded",i)),new N(a,t,s,e)}var N=class{store=new E;greeting={};opened=!1;lost=!1;typist;problem;#t=!1;#s=!1;#e;#i;#n;#o;#r;#c="0";#u=new Set;#p=Promise.resolve();#a=new Map;#h=0;#l=0;#d=0;#k=0;#f={};#S=Date.now();#b=location.href;#O=new AbortController;constructor(t,e,s,i){this.config=t,this.texts=s,this.language=i,this.emit=e,this.endpoint=new URL(t.endpoint,location.href).href.replace(/\/$/,"");let n=`pocketping:${this.endpoint}:`;this.storage=W(n),this.#e=new L(this.storage,o=>this.#X(o),(o,r)=>{this.#i.tell("sent",{entry:o,sent:r}),this.#z(o,r)},T),this.#i=G(n,this.storage.shared,(o,r)=>this.#Y(o,r),()=>this.#K()),this.#n=this.storage.get("session")??{},this.#s=!!this.#n.user,this.#o=new x(this),document.body.append(this.#o),this.#Q(),this.#i.join(),this.#g(),(this.#n.handle||t.identity)&&this.#m(),t.open&&this.open()}call=(t,e,s,i)=>D(t,this.endpoint+e,{sessionId:this.#n.handle,...s},i);#A(t,e,s){return this.call(t,e,s).catch(i=>this.#E("problem",this.explain(i)))}get draft(){return this.#s?"":this.storage.get("draft")}explain({code:t,message:e}){return t==="PAYLOAD_TOO_LARGE"?this.texts.large:e}get reading(){return this.opened&&!document.hidden}open(){this.opened||this.toggle()}close(){this.opened&&this.toggle()}toggle(){this.opened=!this.opened,this.opened&&!this.#t&&this.#m(),this.#P(this.opened?"open":"close")}sendMessage(t,e){this.#l=Math.max(Date.now(),this.#l+1);let s=crypto.getRandomValues(new Uint32Array(4)).join("-"),i=new Promise((n,o)=>{this.#a.set(s,(r,h)=>h?n(h):o(Error(r)))});return i.catch(()=>{}),this.#W({...e,clientId:s,content:t,at:this.#l}),i}retry({clientId:t}){let e=this.#e.entries.find(s=>s.clientId===t);e&&this.#W({...e,error:void 0})}async remove({id:t,seq:e}){e?await this.#A("DELETE",`/message/${t}`)&&this.#v({type:"message_deleted",data:{messageId:t,deletedAt:"now"}}):(this.#e.remove(t),this.store.remove(t),this.#g())}async edit(t,e){let s=await this.#A("PATCH",`/message/${t}`,{content:e});return s&&this.#v({type:"message_edited",data:{...s.message,messageId:t}}),!!s}async loadOlder(){let t=this.store.messages.find(({seq:e})=>e)?.id;return!t||!this.greeting.hasMore?!1:this.#j(this.#A("GET","/messages",{before:t}),({hasMore:e,messages:s})=>{this.greeting.hasMore=e,this.#B(s)})}async upload(t,e,s){return await this.connect(!0),U(t,this.call,this.endpoint,e,s)}typing(t){let e=Date.now();t!==e-this.#d<ct&&(this.#d=t?e:0,this.#T("/typing",{sender:"visitor",isTyping:t}))}async identify(t){this.#M({identity:t}),await this.#p.catch(()=>{}),this.#t&&await this.call("POST","/identify",{identity:t})}async tellContact(t){await this.connect(!0),await this.call("POST","/prechat",t),this.greeting.preChatForm=void 0}async rate(t){await this.call("POST","/csat",t),this.greeting.csatRequestedAt=void 0}async trigger(t,e={},{widgetMessage:s}={}){s&&(this.#o.list.welcome(s),this.open()),await this.connect(!0),await this.call("POST","/events",{name:t,data:e})}reset(){this.#i.tell("reset"),this.#_(),this.close(),this.#y(!0)}destroy(){this.#O.abort(),this.#G(),this.#e.stop(),Object.values(this.#f).forEach(clearTimeout),this.#o.remove()}async connect(t){this.#O.signal.aborted&&await new Promise(()=>{});let e=this.#p.catch(()=>{});if(this.#p=e.then(async()=>{(!t||!this.#t)&&await this.#i.inTurn(()=>this.#D(t))}),await this.#p,t&&!this.#t)throw new b(0)}async#D(t){this.#n=this.storage.get("session")??{};let{identityToken:e,user:s}=await this.#I();if(this.config.identity||this.#N(s),!t&&!this.#n.handle&&!e)return this.#x(!1);try{await this.#j(this.#V(t,e),i=>this.#J(i))}catch(i){if(!this.config.identity||!i.details?.identityToken)throw i;this.emit("error",i),this.config.identity=void 0,await this.#D(t)}}async#I(){let{config:t,endpoint:e}=this;return t.identity?{identityToken:t.identity}:new URL(e).origin!==location.origin?{}:D("GET",`${e}/identity`).catch(s=>{if(s.passes&&s.status!==500)throw s;return{}})}#N(t){let{user:e}=this.#n;if(e&&e!==t){let s=this.#s&&this.#o.draft,i=this.#e.entries.filter(({clientId:n})=>this.#s&&this.#a.has(n));this.#i.tell("reset"),this.#_(),s&&this.storage.set("draft",s);for(let n of i)this.#e.put(n);this.#s=!1,this.#y(!0)}this.#M({user:t??void 0}),this.#s&&(this.#s=!1,this.#o.restore(),this.#g())}async#j(t,e){let{store:s}=this,i=[];this.#u.add(i);let n=await t.finally(()=>this.#u.delete(i));if(!n||s!==this.store)return!1;if(e(n),s===this.store)for(let o of i)this.#v(o);return!0}#V(t,e){let{visitorId:s,identity:i}=this.#n;return this.call("POST","/connect",{visitorId:s,identity:i,create:t,identityToken:e,metadata:{url:location.href,referrer:document.referrer,pageTitle:document.title,language:navigator.language,timezone:Intl.DateTimeFormat().resolvedOptions().timeZone,screenResolution:`${screen.width}x${screen.height}`}})}#J({sessionId:t,visitorId:e,messages:s,cursor:i,user:n,...o}){this.#N(n);let r=this.#t,h=this.store.get(s[0]?.id);(t!==this.#n.handle||o.hasMore&&!h)&&this.#y(),this.#M({handle:t,visitorId:e}),h&&(o.hasMore=this.greeting.hasMore),this.greeting=o,this.#t||(this.#c=i),this.lost=!1,this.#t=!!t,this.#B(s),this.#q(),!r&&t&&(this.#i.tell("session",this.#n),this.#P("connect",t))}async#m(){try{await this.connect(this.opened&&!this.#t),this.#h=0,this.#e.flush()}catch(t){this.#x(!0),this.#P("error",t),t.passes&&this.#C("connect",()=>this.#m(),t.wait||T(this.#h++))}}#q(){!this.#i.leads||!this.#t||this.#r||(this.#r=F({address:()=>this.endpoint+"/stream"+I({sessionId:this.#n.handle,after:this.#c}),poll:()=>this.call("GET","/events",{after:this.#c}),transport:this.config.transport,carried:this.greeting.transports,onFrame:t=>{this.#i.tell("frame",t),this.#R(t)},onState:t=>{this.#i.tell("lost",!t),this.#x(!t),t&&this.#e.flush()},onLost:()=>this.connect(!1)}))}#K(){this.#q(),this.#e.flush()}#Y(t,e){t==="frame"?this.#R(e):t==="lost"?this.#x(e):t==="sent"?this.#z(e.entry,e.sent):t==="outbox"?(this.#i.leads&&(this.#e.put(e),this.#e.flush()),this.#g()):t==="reset"?(this.#n={},this.#F(),this.#s=!1):e.handle!==this.#n.handle&&(this.storage.set("session",e),this.#m())}#R(t){let{type:e,data:s,cursor:i}=t;if(!(i&&+i<=+this.#c)){i&&(this.#c=i);for(let n of this.#u)n.push(t);if(e==="typing"&&s.sender!=="visitor")this.#E("typist",s.isTyping?s.operatorName??"":void 0);else if(e==="event")for(let n of["*",s.name])this.emit(`event:${n}`,s);else e==="message"&&$(s)&&!this.store.get(s.id)&&(this.#E("typist"),this.greeting.aiActive=s.sender==="ai",this.emit("message",s),!this.reading&&this.#i.leads&&this.config.sound&&this.#o.chime());this.#v(t)}}#E(t,e){this[t]=e,this.#o.refresh(),e!==void 0&&this.#C(t,()=>this.#E(t),lt)}#C(t,e,s){clearTimeout(this.#f[t]),this.#f[t]=setTimeout(e,s)}get#L(){return this.#e.waiting.map(({content:t})=>t)}#v(t){let{type:e,data:s}=t,{greeting:i}=this;e==="presence"?i.operatorOnline=s.online:e==="ai_takeover"?i.aiActive=!0:e==="csat_request"&&(i.csatRequestedAt=s.requestedAt),this.#w(this.store.apply(t,this.#L))}#B(t){this.#w(t.flatMap(e=>this.store.receive(e,this.#L)))}#w(t=[]){this.#o.show(t),this.#H()}#H(){this.#f.receipts||=setTimeout(async()=>{this.#f.receipts=0;let t=this.reading?"read":"delivered",s=this.store.unread().filter(i=>i.status!==t).map(({id:i})=>i).slice(0,500);!s.length||!this.#t||!(this.reading||this.#i.leads)||(await this.#T("/read",{messageIds:s,status:t}),this.#v({type:"read",data:{messageIds:s,status:t}}))},300)}#W(t){this.#e.put(t),this.#g(),this.#i.tell("outbox",t),this.#i.leads&&this.#e.flush()}#g(){let t=this.#e.entries.filter(({clientId:e})=>!this.#s||this.#a.has(e));this.#w(t.flatMap(({at:e,error:s,...i})=>this.store.receive({...i,id:i.clientId,sender:"visitor",timestamp:new Date(e).toISOString(),status:s?"failed":"sending",error:s})))}async#X({clientId:t,content:e,replyTo:s,attachments:i}){if(await this.connect(!0),!this.#e.has(t))return;let n=i?.map(({id:o})=>o);return this.call("POST","/message",{clientId:t,content:e,replyTo:s,attachmentIds:n}).catch(o=>{throw o.code==="SESSION_NOT_FOUND"&&(this.#t=!1),o.message=this.explain(o),o})}#z(t,e){let{clientId:s,error:i}=t;this.#a.get(s)?.(i,e),this.#a.delete(s),e?(this.#e.remove(s),this.#w(this.store.settle(s,e))):(this.#e.put(t),this.#g()),this.#w(this.store.release(this.#L))}#M(t){this.#n={...this.#n,...t},this.storage.set("session",this.#n)}#_(){for(let t of this.storage.keys(""))this.storage.remove(t);this.#n={}}#F(){this.#s=!0,this.#a.clear(),this.#y(!0)}#y(t){this.#U(),this.#t=!1,this.store=new E,Object.assign(this.greeting,{csatRequestedAt:void 0,aiActive:!1,hasMore:!1}),t&&this.#o.replaceWith(this.#o=new x(this)),this.#g()}#U(){this.#r?.stop(),this.#r=void 0}#x(t){this.lost=t,this.#o.refresh()}#P(t,...e){this.#w(),this.emit(t,...e)}#Q(){let{signal:t}=this.#O,e=(n,o,r)=>n.addEventListener(o,r,{signal:t});e(window,"online",()=>this.#$()),e(window,"offline",()=>this.#x(!0)),e(window,"pagehide",()=>this.#G()),e(window,"pageshow",({persisted:n})=>n&&this.#Z()),e(document,"visibilitychange",()=>this.#tt());let s=()=>this.#C("moved",()=>this.#st(),1e3),{navigation:i}=window;i?e(i,"currententrychange",s):e(window,"popstate",s)}#Z(){this.#i.join(),this.#$(),this.#n.user?this.#F():this.#y()}#tt(){let{visibilityState:t,hidden:e}=document;this.#T("/visibility",{state:t,timestamp:new Date().toISOString()}),e?this.#k=Date.now():Date.now()-this.#k>ht?this.#$():this.#et(),this.#H()}async#et(){if(!this.#t||this.config.identity)return;let{user:t}=await this.#I().catch(()=>this.#n);t!==void 0&&(t??void 0)!==this.#n.user&&this.#m()}#st(){this.#o.refresh(),this.#t&&location.href!==this.#b&&this.#m(),this.#b=location.href}#$(){this.#r?.wake(),(this.#t||this.opened)&&this.#m()}#G(){this.#i.leads&&this.#T("/disconnect",{duration:Date.now()-this.#S,reason:"pagehide"}),this.#U(),this.#i.leave()}async#T(t,e){this.#t&&await this.call("POST",t,e).catch(()=>{})}};var J=document.currentScript;"PocketPing"in window||dt();function dt(){let a=new Map,t,e,s=!1,i=[];function n(){s=!1,e=new Promise(p=>t=p)}function o(p,u){return a.set(p,(a.get(p)??new Set).add(u)),()=>r(p,u)}function r(p,u){a.get(p)?.delete(u)}function h(p,...u){for(let m of a.get(p)??[])queueMicrotask(()=>m(...u))}function c(p){return s||(s=!0,i=Object.entries(p).flatMap(([u,m])=>typeof m=="function"?o(u.slice(2).toLowerCase(),m):[]),t(V(p,h))),e}async function d(){if(!s)return;let p=e;i.forEach(u=>u()),n(),(await p).destroy()}n();let f={init:c,destroy:d,on:o,onEvent:(p,u)=>o(`event:${p}`,u),offEvent:(p,u)=>r(`event:${p}`,u)};for(let p of["open","close","toggle","sendMessage","identify","reset","trigger"])f[p]=async(...u)=>(await e)[p](...u);if(window.PocketPing=f,J?.dataset.endpoint){let p={...J.dataset};for(let u in p)/^(true|false|{.*)$/.test(p[u])&&(p[u]=JSON.parse(p[u]));c(p)}}})();
