(()=>{var I={de:`Chat öffnen
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
Vielen Dank!`,fr:`Ouvrir le chat
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
Merci !`,es:`Abrir el chat
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
¡Gracias!`,ar:`فتح المحادثة
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
شكرًا لك!`};var J={open:"Open chat",close:"Close chat",team:"Support",online:"Online",away:"We reply as soon as we can",ai:"AI assistant",welcome:"Hi! How can we help?",messages:"Messages",placeholder:"Write a message…",send:"Send",attach:"Attach a file",reply:"Reply",edit:"Edit",remove:"Delete",sure:"Really delete?",deleted:"Message deleted",edited:"edited",sending:"Sending",sent:"Sent",delivered:"Delivered",read:"Read",failed:"Not sent",retry:"Try again",cancel:"Cancel",offline:"No connection. What you write is sent later.",typing:"{name} is typing…",contact:"How can we reach you?",email:"Email",phone:"Phone (+1 …)",save:"Continue",skip:"Not now",rate:"How did we do?",stars:"{count} of 5",comment:"Anything to add?",thanks:"Thank you!"};function q(a,t){let e=I[a.split("-")[0].toLowerCase()]?.split(`
`),s=Object.entries(J).map(([i,n],o)=>[i,e?.[o]??n]);return{...Object.fromEntries(s),...t}}var L=new CSSStyleSheet;L.replaceSync(`
:host{position:fixed;z-index:2147483000;--paper:light-dark(#fff,#16181d);--soft:light-dark(#f1f3f6,#262a32);
--ink:light-dark(#16181d,#eceef2);--dim:light-dark(#5b6270,#a3abb9);--bad:light-dark(#b3261e,#ffb4ab)}
[hidden]{display:none!important}
.root{all:initial;display:block;color-scheme:inherit;font:15px/1.45 system-ui,sans-serif;color:var(--ink)}
*{box-sizing:border-box;margin:0;font:inherit;color:inherit}
:focus-visible{outline:2px solid;outline-offset:-2px}
button{border:0;padding:8px;background:none;cursor:pointer;border-radius:8px}
button:where(:hover){background:#8883}
svg{width:22px;display:block;fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round}
.launcher,.panel{position:fixed;bottom:20px;right:20px;box-shadow:0 4px 32px #0005}
.left>*{right:auto!important;left:20px}
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
.bubble button{padding:2px 8px;text-decoration:underline}
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
:focus-visible+svg{outline:2px solid}
input,textarea,.field,.card{border:1px solid var(--dim);border-radius:12px;background:var(--paper)}
input,textarea{width:100%;padding:8px;font-size:16px;resize:none}
::placeholder{color:var(--dim);opacity:1}
:placeholder-shown{direction:inherit}
:empty.error{display:none}
.composer{padding:10px 12px max(10px,env(safe-area-inset-bottom));border-top:1px solid var(--soft);background:var(--foot)}
.field{align-items:end}
.field:has(textarea:focus){outline:2px solid;outline-offset:-1px}
.field textarea{max-height:120px;padding:6px 4px;border:0;outline:0}
.over{outline:2px dashed}
[dir=rtl] .send svg{transform:scaleX(-1)}
.chip{margin-bottom:8px;padding:0 8px;border-radius:8px}
canvas,progress{width:48px}
:disabled{opacity:.5}
@media(max-width:480px){.panel{inset:var(--above,0) 0 auto!important;width:auto;height:var(--height,100dvh);border-radius:0}
.panel:not([hidden])+.launcher{display:none}}
@media(prefers-reduced-motion){*{animation:none!important}}
@media print{:host{display:none}}`);var K={chat:"M4 5h16v11h-9l-5 4v-4H4z",close:"M6 6l12 12M18 6L6 18",send:"M5 12L4 4l17 8-17 8 1-8h7",attach:"M8 12l6-6a3 3 0 0 1 4 4l-8 8a5 5 0 0 1-7-7l7-7",reply:"M9 7l-5 5 5 5M4 12h9a6 6 0 0 1 6 6",edit:"M5 19v-4L16 4l4 4L9 19z",remove:"M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",star:"M12 4l2 5 6 1-4 4 1 5-5-2-5 2 1-5-4-4 6-1z"};function x(a){let[t,e]=["svg","path"].map(s=>document.createElementNS("http://www.w3.org/2000/svg",s));return t.setAttribute("viewBox","0 0 24 24"),t.ariaHidden="true",e.setAttribute("d",K[a]),t.append(e),t}function h(a,t="",e={},...s){let i=Object.assign(document.createElement(a),e,{className:t});return i.append(...s),i}function g(a,t,e){return h("button",a,{type:e?"button":"submit",ariaLabel:t,title:t,onclick:e},x(a))}function w(a,t){return h("button","",{type:"button",onclick:t},a)}function A(a,t){return h("a","",{href:a,target:"_blank",rel:"noopener noreferrer"},t)}function v(a,t=""){a.textContent!==t&&(a.textContent=t),a.hidden=!t}var X=/https:\/\/[^\s<>"]*[^\s<>".,:;!?)\]}]/g,Q={sending:"◷",sent:"✓",delivered:"✓✓",read:"✓✓",failed:"!"},Y=864e5,E=class{element=h("div","log",{role:"log",tabIndex:0});#e=new Map;#s=!1;#t;#i;constructor(t,e){this.#t=t,this.#i=e;let{element:s}=this;s.ariaLabel=t.texts.messages,s.setAttribute("aria-relevant","additions"),s.onscroll=()=>s.scrollTop<200&&this.#p(),s.onkeydown=i=>this.#h(i);for(let i of["mouseover","focusin","click"])s.addEventListener(i,({target:n})=>this.#c(n));this.welcome(t.config.welcomeMessage??t.texts.welcome)}welcome(t){let{firstElementChild:e}=this.element;e&&(e.textContent=""),(e??this.element.appendChild(h("div","message"))).append(h("div","bubble",{dir:"auto"},t))}toEnd(t=9,e=0){let{element:s}=this;!t||s.scrollTop<e||(s.scrollTop=1e9,e=s.scrollTop,requestAnimationFrame(()=>this.toEnd(t-1,e)))}show(t){let{messages:e}=this.#t.store,{scrollHeight:s,scrollTop:i,clientHeight:n}=this.element,o=s-i-n<80||t.some(({status:c})=>c==="sending"),r=new Set(e);for(let[c,l]of this.#e)r.has(c)||(l.remove(),this.#e.delete(c));for(let c of t.map(l=>e.indexOf(l)).sort((l,p)=>l-p))this.#n(c),this.#e.has(e[c+1])&&this.#n(c+1);o&&t.length&&this.toEnd()}#n(t){let{messages:e}=this.#t.store,s=e[t],i=this.#e.get(s)??h("div","",{tabIndex:-1});i.className=`message ${s.sender==="visitor"?"own":""} ${s.status}`,i.replaceChildren(...this.#o(e[t-1],s));let n=this.#e.get(e[t-1])??this.element.firstElementChild;i.previousElementSibling!==n&&n?.after(i),this.#e.set(s,i)}#o(t,e){let{content:s,metadata:i,timestamp:n}=e,o=[],r=this.#r(n),c=!t||this.#r(t.timestamp)!==r;if(c&&o.push(h("div","day",{},r)),i?.system)return[...o,h("div","day system",{dir:"auto"},s)];let l=this.#l(e);return l&&(c||this.#l(t)!==l)&&o.push(h("div","name",{},l)),[...o,this.#u(e)]}#r(t){let{language:e}=this.#t,s=new Date(t),i=Math.round((s.setHours(0,0,0,0)-new Date().setHours(0,0,0,0))/Y),n=new Intl.RelativeTimeFormat(e,{numeric:"auto"}).format(i,"day");return i>-2?n[0].toLocaleUpperCase()+n.slice(1):s.toLocaleDateString(e,{dateStyle:"long"})}#l(t){if(!t||t.sender==="visitor"||t.metadata?.system)return"";let{texts:e,config:s}=this.#t;return t.operatorName??(t.sender==="ai"?e.ai:s.operatorName??e.team)}#u(t){let{store:e,texts:s}=this.#t;if(t.deletedAt)return h("div","bubble gone",{},s.deleted);let i=t.replyTo&&e.get(t.replyTo),n=i?[h("span","excerpt",{dir:"auto"},i.content||s.deleted)]:[],o=(t.attachments??[]).map(r=>this.#d(r));return h("div","bubble",{dir:"auto"},...n,...o,...Z(t.content),this.#f(t))}#d({url:t,thumbnailUrl:e,filename:s,width:i,height:n}){let o=c=>new URL(c,this.#t.endpoint).href,r=i&&n?{width:i,height:n}:{};return A(o(t),e?h("img","picture",{...r,alt:s,src:o(e)}):`📎 ${s}
`)}#f(t){let e=this.#t,{texts:s,language:i}=e,n=new Date(t.timestamp).toLocaleTimeString(i,{hour:"numeric",minute:"2-digit"}),o=h("span","meta",{},n,t.editedAt?` · ${s.edited} `:" ");if(t.sender!=="visitor")return o;let r=t.status;if(o.append(h("span","",{role:"img",ariaLabel:s[r],title:s[r]},Q[r])),t.error){let c=w(s.retry,()=>e.retry(t));o.append(` ${t.error} `,c,w(s.remove,()=>e.remove(t)))}return o}#c(t){let e=t.closest(".message"),s=[...this.#e].find(([,c])=>c===e)?.[0];if(!e||!s?.seq||s.deletedAt||e.querySelector(".tools"))return;this.element.querySelector(".tools")?.remove();let{texts:i}=this.#t,n=c=>g(c,i[c],()=>this.#i.pick(c,s)),o=h("div","tools",{},n("reply")),r=()=>o.replaceChildren(w(i.sure,()=>this.#t.remove(s)));s.sender==="visitor"&&o.append(n("edit"),g("remove",i.remove,r)),e.append(o)}#h(t){let e={ArrowUp:"previousElementSibling",ArrowDown:"nextElementSibling"}[t.key];if(!e)return;t.preventDefault();let s=t.target.closest(".message");(s?s[e]:this.element.lastElementChild)?.focus()}async#p(){if(this.#s)return;this.#s=!0;let{element:t}=this;t.ariaLive="off";let e=t.scrollHeight-t.scrollTop;await this.#t.loadOlder()&&(t.scrollTop=t.scrollHeight-e),t.ariaLive="polite",this.#s=!1}};function Z(a){let t=[],e=0;for(let{0:s,index:i}of a.matchAll(X))t.push(a.slice(e,i),A(s,s)),e=i+s.length;return[...t,a.slice(e)]}var O=class{text=h("textarea","",{rows:1,maxLength:4e3,dir:"auto"});#e=h("div","chip",{hidden:!0});#s=h("div");#t={};#i=new Set;#n=!1;#o;constructor(t){this.#o=t;let{texts:e,config:s,storage:i}=t,{text:n}=this;n.placeholder=n.ariaLabel=s.placeholder??e.placeholder,n.value=i.get("draft")??"";let o=h("input","",{type:"file",multiple:!0,hidden:!0});o.onchange=()=>this.#c(o.files);let r=g("attach",e.attach,()=>o.click()),c=h("div","field",{},r,n,g("send",e.send));this.element=h("form","composer",{},this.#e,this.#s,c,o),this.element.onsubmit=l=>{l.preventDefault(),this.#d()},n.oninput=()=>this.#l(),n.onkeydown=l=>this.#u(l),n.onpaste=({clipboardData:l})=>this.#c(l?.files)}takeDrops(t){let e=s=>{s.preventDefault(),t.classList.toggle("over",s.type==="dragover")};t.ondragover=t.ondragleave=e,t.ondrop=s=>(e(s),this.#c(s.dataTransfer?.files))}pick(t,e){let{texts:s}=this.#o;if(this.#t.kind==="edit"&&this.#r(""),this.#t={kind:t,message:e},this.#e.hidden=!e,!t||!e)return;t==="edit"&&this.#r(e.content);let i=h("span","excerpt",{dir:"auto"},`${s[t]}: ${e.content}`);this.#e.replaceChildren(i,g("close",s.cancel,()=>this.pick())),this.text.focus()}#r(t){this.text.value=t,this.#l()}#l(){let{text:t}=this,e=this.#o;this.#t.kind!=="edit"&&e.storage.set("draft",t.value),e.typing(t.value!==""),t.style.height="",t.value&&(t.style.height=`${t.scrollHeight}px`)}#u(t){let{key:e,shiftKey:s,isComposing:i}=t;e==="Enter"&&!s&&!i?(t.preventDefault(),this.#d()):e==="Escape"&&this.#t.kind&&(t.stopPropagation(),this.pick())}#d(){let t=this.#o,{kind:e,message:s}=this.#t,i=this.text.value.trim(),n=[...this.#i];if(this.#n=n.some(({done:r})=>!r),this.#n||!(i||n.length)||this.text.disabled)return;let o=n.flatMap(({done:r})=>r??[]);e==="edit"&&s?this.#f(s,i):t.sendMessage(i,{replyTo:s?.id,attachments:n.length?o:void 0}),this.#i.clear(),this.#s.replaceChildren(),this.#t={},this.pick(),this.#r("")}async#f(t,e){!await this.#o.edit(t.id,e)&&!this.text.value&&this.pick("edit",{...t,content:e})}#c(t){for(let e of t??[])this.#h(e)}#h(t){let{texts:e}=this.#o,s={},i=new AbortController,n=h("progress","",{ariaLabel:t.name,value:0}),o=h("span","excerpt"),r=async()=>{o.textContent=t.name,c.hidden=!0;try{s.done=await this.#o.upload(t,d=>n.value=d,i.signal),n.remove(),this.#n&&this.#d()}catch(d){o.textContent=d.message,c.hidden=!1}},c=w(e.retry,r),l=()=>(i.abort(),this.#i.delete(s),p.remove()),p=h("div","chip",{},o,n,c,g("close",`${e.remove} ${t.name}`,l));this.#i.add(s),this.#s.append(p),tt(t,p),r()}};async function tt(a,t){let e=a.type.startsWith("image/")&&await createImageBitmap(a,{resizeHeight:48}).catch(()=>null);if(!e)return;let{width:s,height:i}=e,n=h("canvas","",{width:s,height:i});n.getContext("2d")?.drawImage(e,0,0),t.prepend(n)}function R(a,t){let{texts:e,greeting:s}=a,{fields:i="",required:n}=s.preChatForm??{},o=[];for(let[r,c,l]of[["email","email",e.email],["phone","tel",e.phone]]){let p=!i.includes("-or-"),d={name:r,type:c,autocomplete:c,placeholder:l,ariaLabel:l,required:p};i.includes(r)&&o.push(h("input","",d))}return H(e.contact,e.save,n?"":w(e.skip,t),o,async({email:r,phone:c})=>{await a.tellContact({email:r,phone:c?.replace(/[^+\d]/g,"")}),t()})}function B(a,t){let{texts:e}=a,s=[1,2,3,4,5].map(r=>{let c=e.stars.replace("{count}",`${r}`),l=h("input","",{type:"radio",name:"score",value:r,ariaLabel:c,required:!0});return h("label","",{title:c},l,x("star"))}),i={name:"comment",rows:1,maxLength:1e3,placeholder:e.comment,ariaLabel:e.comment},n=h("textarea","",i),o=[h("div","stars",{},...s),n];return H(e.rate,e.send,w(e.skip,t),o,async({score:r,comment:c})=>{await a.rate({score:Number(r),comment:c}),t(e.thanks)})}function H(a,t,e,s,i){let n=h("p","error",{role:"alert"}),o=h("form","card",{ariaLabel:a},h("b","",{},a),...s,n,e,h("button","main",{},t));return o.onsubmit=r=>{r.preventDefault();let c=[...new FormData(o)].map(([l,p])=>[l,`${p}`.trim()||void 0]);i(Object.fromEntries(c)).catch(({message:l})=>n.textContent=l)},o}var k=class extends HTMLElement{#e=h("img","avatar",{alt:""});#s=h("h2");#t=h("p","state",{role:"status"});#i=h("p","notice",{role:"status"});#n=h("p","typing",{role:"status"});#o=h("span","badge",{ariaHidden:"true"});#r=h("div");#l="";#u=0;#d="";#f=!1;#c;#h;#p;#a;constructor(t){super(),this.#c=t;let{config:e,texts:s,language:i}=t;this.#h=new O(t),this.list=new E(t,this.#h),this.#p=h("button","launcher",{onclick:()=>t.toggle()},x("chat"),this.#o),this.#a=h("section","panel",{role:"dialog",ariaLabel:s.team},h("div","head",{},this.#e,h("div","",{},this.#s,this.#t),g("close",s.close,()=>t.close())),this.#i,this.list.element,this.#n,this.#r,this.#h.element),this.#a.onkeydown=({key:l})=>{l==="Escape"&&t.close()},this.#h.takeDrops(this.#a);let n=e.position?.includes("left")?"left":"",o=/^(ar|fa|he|ur)/.test(i)?"rtl":"ltr",r=this.attachShadow({mode:"open"});r.adoptedStyleSheets=[L],r.append(h("div",`root ${n}`,{lang:i,dir:o},this.#a,this.#p)),r.addEventListener("keydown",l=>l.stopPropagation());let{theme:c=""}=e;this.style.colorScheme=/light|dark/.test(c)?c:"light dark",this.hidden=!0,setTimeout(()=>this.hidden=!1,e.showDelay),visualViewport?.addEventListener("resize",()=>this.#m()),this.refresh()}show(t){this.list.show(t),this.refresh()}refresh(){let{greeting:t,config:e,texts:s,typist:i,store:n,lost:o,problem:r}=this.#c;this.#T(),this.#v();let l=n.messages.findLast(({sender:d,operatorName:u})=>d==="operator"&&u)?.operatorName??t.operatorName??e.operatorName??s.team,p=t.operatorAvatar??e.operatorAvatar;this.#e.hidden=!p,p&&this.#e.getAttribute("src")!==p&&(this.#e.src=p),this.#t.classList.toggle("online",!!t.operatorOnline),v(this.#s,l),v(this.#t,s[t.operatorOnline?"online":t.aiActive?"ai":"away"]),v(this.#i,o?s.offline:r),v(this.#n,i===void 0?"":s.typing.replace("{name}",i||l)),this.#y()}chime(){let t=new AudioContext,e=t.createOscillator(),s=t.createGain();s.gain.value=.1,s.gain.linearRampToValueAtTime(0,.4),e.connect(s).connect(t.destination),e.start(),e.stop(.4),e.onended=()=>t.close()}#T(){let{config:t,greeting:e}=this.#c,s=t.primaryColor??e.primaryColor??"#1f5eff",{headerColor:i=s,toggleColor:n=s}=e,{footerColor:o="",chatBackground:r=""}=e,c=Object.entries({brand:s,head:i,toggle:n,foot:o,wall:r});for(let[l,p]of c)this.style.setProperty(`--${l}`,p);this.#a.className=`panel ${r}`}#v(){let{opened:t,config:e,texts:s,store:i}=this.#c,{showOnPages:n,hideOnPages:o,launcher:r,titleBadge:c}=e,l=t?0:i.unread().length;l!==this.#u&&this.#c.emit("unread",l),this.#u=l,v(this.#o,l?`${l}`:"");let p=t?s.close:s.open;this.#p.ariaLabel=l?`${p} (${l})`:p,this.#p.ariaExpanded=`${t}`;let d=u=>new RegExp(u).test(location.pathname);if(this.#p.hidden=r===!1||n?.some(d)===!1||!!o?.some(d),this.#a.hidden=!t,c){let u=document.title===this.#l?document.title.replace(/^\(\d+\) /,""):document.title;document.title=this.#l=l?`(${l}) ${u}`:u}if(t!==this.#f){if(this.#f=t,!t)return this.#p.focus();this.#m(),this.list.toEnd(),this.#h.text.focus()}}#y(){let{greeting:t,store:e}=this.#c,{preChatForm:s,csatRequestedAt:i}=t,n=e.messages.some(({sender:l})=>l==="visitor"),o=s&&!s.completed&&(n||s.timing.startsWith("before"));this.#h.text.disabled=!!(o&&s.required&&!n);let r=o?"contact":i??"";if(r===this.#d)return;this.#d=r;let c=(l="")=>{this.#r.replaceChildren(...l?[h("p","notice",{role:"status"},l)]:[]),this.refresh(),this.#h.text.focus()};if(!r)return this.#r.querySelector("form")?.remove();this.#r.replaceChildren((o?R:B)(this.#c,c)),this.list.toEnd()}#m(){visualViewport&&(this.#a.style.setProperty("--height",`${visualViewport.height}px`),this.#a.style.setProperty("--above",`${visualViewport.offsetTop}px`))}};customElements.get("pocketping-chat")||customElements.define("pocketping-chat",k);var S=class{messages=[];#e=new Map;#s=[];get(t){return this.#e.get(t)}receive(t,e=[]){let s=this.get(t.id);if(!s&&t.sender==="visitor"&&e.includes(t.content))return this.#s.push(t),[];let i=Object.assign(s??t,t);return this.#e.set(i.id,i),this.#t(i),[i]}settle(t,{messageId:e,...s}){let i=this.get(t);if(!i)return[];let n=this.remove(e);return this.#e.delete(t),this.receive(Object.assign(i,{status:"sent"},n,s,{id:e}))}release(){return this.#s.splice(0).flatMap(t=>this.receive(t))}remove(t){let e=this.get(t);return this.#e.delete(t),e&&this.messages.splice(this.messages.indexOf(e),1),e}apply({type:t,data:e},s){if(t==="message")return this.receive(e,s);let{messageId:i,messageIds:n=[i],...o}=e;if(t==="message_deleted")Object.assign(o,{content:"",attachments:[]});else if(t!=="read"&&t!=="message_edited")return[];let r=n.flatMap(c=>this.get(c)??[]);for(let c of this.#s)n.includes(c.id)&&Object.assign(c,o);for(let c of r)Object.assign(c,o);return r}unread(){return this.messages.filter(({sender:t,status:e,deletedAt:s})=>t!=="visitor"&&e!=="read"&&!s)}#t(t){let{messages:e}=this,s=({seq:o=1/0})=>o,i=e.indexOf(t);if(i>=0&&!t.seq)return;i>=0&&e.splice(i,1);let n=e.length;for(;n&&s(e[n-1])>s(t);)n--;e.splice(n,0,t)}};var M="out:",C=class{#e=!1;#s=0;#t;#i;#n;#o;constructor(t,e,s,i){this.#t=t,this.#i=e,this.#n=s,this.#o=i}get entries(){return this.#t.keys(M).map(e=>this.#t.get(e)).filter(Boolean).sort((e,s)=>e.at-s.at)}get waiting(){return this.entries.filter(({error:t})=>!t)}put(t){this.#t.set(M+t.clientId,t)}remove(t){this.#t.remove(M+t)}async flush(t=0){if(!this.#e){this.stop(),this.#e=!0;try{for(let[e]=this.waiting;e;[e]=this.waiting)await this.#r(e),t=0}catch(e){let s=e.wait||this.#o(t);this.#s=setTimeout(()=>this.flush(t+1),s)}this.#e=!1}}stop(){clearTimeout(this.#s)}async#r(t){try{let e=await this.#i(t);this.remove(t.clientId),this.#n(t,e)}catch(e){let{message:s,passes:i,code:n}=e;if(i!==!1||n==="SESSION_NOT_FOUND")throw e;let o={...t,error:s};this.put(o),this.#n(o)}}};function z(a){let t={},e={};try{localStorage[a]="",e=localStorage,delete e[a]}catch{}function s(i){delete t[a+i],delete e[a+i]}return{shared:"setItem"in e,remove:s,get(i){try{return JSON.parse(t[a+i]??e[a+i]??"null")}catch{return null}},set(i,n){let o=JSON.stringify(n);s(i);try{e[a+i]=o}catch{t[a+i]=o}},keys(i){return Object.keys({...t,...e}).filter(o=>o.startsWith(a+i)).map(o=>o.slice(a.length))}}}var y=class extends Error{constructor(t,e={},s=0){super(e.message??"No connection."),this.code=e.code,this.details=e.details,this.wait=s*1e3,this.passes=!t||t===429||t>=500}};async function N(a,t,e,s){let i={method:a,signal:s};/GET|DELETE/.test(a)?t+=j(e):Object.assign(i,{body:JSON.stringify(e),headers:{"Content-Type":"application/json"}});let n=await fetch(t,i).catch(()=>{throw new y(0)}),o=await n.json().catch(()=>({}));if(n.ok)return o;throw new y(n.status,o,Number(n.headers.get("Retry-After")))}var j=(a={})=>`?${new URLSearchParams(Object.entries(a))}`,T=a=>Math.min(3e4,500*2**a)*(.5+Math.random()/2);var et=2e3,st=150,it=5e3,D={ws:[5e3,({onFrame:a,address:t},e,s)=>{let i=new WebSocket(t().replace("http","ws"));return i.onopen=e,i.onmessage=({data:n})=>a(JSON.parse(n)),i.onclose=s,()=>{i.onclose=i.onmessage=null,i.close()}}],sse:[15e3,({onFrame:a,address:t},e,s)=>{let i=new EventSource(t());i.onopen=e,i.onerror=s;for(let n of["message","csat_request"])i.addEventListener(n,({data:o})=>a(JSON.parse(o)));return()=>i.close()}],poll:[15e3,({poll:a,transport:t,onFrame:e},s,i)=>{let n=new AbortController,o=0;async function r(){if(!n.signal.aborted){if(o++>st&&!t)return i();try{let c=await a(n.signal);s(),c.frames.forEach(e),e({type:"presence",data:{online:c.operatorOnline}}),setTimeout(r,c.hasMore?0:et)}catch{n.signal.aborted||i()}}}return r(),()=>n.abort()}]};function F(a){let{transport:t="",onState:e,onLost:s}=a,i=t in D?[t]:Object.keys(D),n=0,o=0,r=0,c=!1,l=()=>{};function p(){clearTimeout(r),l(),l=()=>{}}function d(){let[u,f]=D[i[n]],m=0;function b(){p();let $=m&&Date.now()-m>it;if(n=$?0:(n+1)%i.length,n)return d();$&&(o=0),e(!1),r=setTimeout(async()=>{await s().catch(()=>{}),c||d()},T(o++))}function G(){m||e(!0),m||=Date.now(),clearTimeout(r)}r=setTimeout(b,u),l=f(a,G,b)}return d(),{wake(){c||(p(),n=o=0,d())},stop(){c=!0,p()}}}async function W(a,t,e,s,i){let{name:n,type:o,size:r}=a,c={filename:n,size:r,mimeType:o||"application/octet-stream"},{attachmentId:l,uploadUrl:p}=await t("POST","/upload",c,i);return await new Promise((d,u)=>{let f=new XMLHttpRequest;f.open("PUT",new URL(p,e)),f.responseType="json",f.upload.onprogress=({loaded:m,total:b})=>s(m/b),f.onloadend=()=>{let{status:m,response:b}=f;m>=200&&m<300?d(m):u(new y(m,b??{}))},i.onabort=()=>f.abort(),f.send(a)}),t("POST","/upload/complete",{attachmentId:l},i)}function _(a,t,e,s){let{locks:i}=navigator,n=!t||!i,o=new AbortController,r,c={leads:!1,join(){o=new AbortController;let{signal:p}=o;if(n)return void l(p);r=new BroadcastChannel(a),r.onmessage=({data:d})=>e(d.kind,d.data),i.request(a,{signal:p},()=>l(p)).catch(()=>{})},leave(){c.leads=!1,o.abort(),r?.close()},tell(p,d){o.signal.aborted||r?.postMessage({kind:p,data:d})},async inTurn(p){await(n?p():i.request(`${a}connect`,p))}};function l(p){if(!p.aborted)return c.leads=!0,s(),new Promise(d=>p.onabort=d)}return c}var nt=3e4,ot=3e3,rt=6e3;async function U(a,t){let e=a.language??(document.documentElement.lang||navigator.language),s=q(e,a.texts);return document.body||await new Promise(i=>addEventListener("DOMContentLoaded",i)),new P(a,t,s,e)}var P=class{store=new S;greeting={};opened=!1;lost=!1;typist;problem;#e=!1;#s;#t;#i;#n;#o;#r="0";#l;#u=Promise.resolve();#d=new Map;#f=0;#c=0;#h=0;#p=0;#a={};#T=Date.now();#v=location.href;#y=new AbortController;constructor(t,e,s,i){this.config=t,this.texts=s,this.language=i,this.emit=e,this.endpoint=new URL(t.endpoint,location.href).href.replace(/\/$/,"");let n=`pocketping:${this.endpoint}:`;this.storage=z(n);let o=(r,c)=>{this.#t.tell("sent",{entry:r,sent:c}),this.#I(r,c)};this.#s=new C(this.storage,r=>this.#U(r),o,T),this.#t=_(n,this.storage.shared,(r,c)=>this.#_(r,c),()=>this.#W()),this.#i=this.storage.get("session")??{},this.#i.user&&this.#i.user!==t.user&&this.#q(),this.#n=new k(this),document.body.append(this.#n),this.#V(),this.#t.join(),this.#b(),(this.#i.handle||t.identity)&&this.#g(!1),t.open&&this.open()}call=(t,e,s,i)=>N(t,this.endpoint+e,{sessionId:this.#i.handle,...s},i);#m(t,e,s){return this.call(t,e,s).catch(({message:i})=>this.#x("problem",i))}get reading(){return this.opened&&!document.hidden}open(){this.opened||this.toggle()}close(){this.opened&&this.toggle()}toggle(){this.opened=!this.opened,this.opened&&!this.#e&&this.#g(!0),this.#A(this.opened?"open":"close")}sendMessage(t,e){this.#c=Math.max(Date.now(),this.#c+1);let s=crypto.getRandomValues(new Uint32Array(4)).join("-"),i=new Promise((n,o)=>{this.#d.set(s,(r,c)=>c?n(c):o(Error(r)))});return i.catch(()=>{}),this.#$({...e,clientId:s,content:t,at:this.#c}),i}retry({clientId:t}){let e=this.#s.entries.find(s=>s.clientId===t);e&&this.#$({...e,error:void 0})}async remove({id:t,seq:e}){e?await this.#m("DELETE",`/message/${t}`)&&this.#k({type:"message_deleted",data:{messageId:t,deletedAt:"now"}}):(this.#s.remove(t),this.store.remove(t),this.#n.show([]))}async edit(t,e){let s=await this.#m("PATCH",`/message/${t}`,{content:e});return s&&this.#k({type:"message_edited",data:{...s.message,messageId:t}}),!!s}async loadOlder(){let t=this.store.messages.find(({seq:s})=>s)?.id;if(!t||!this.greeting.hasMore)return!1;let e=await this.#m("GET","/messages",{before:t});return e?(this.greeting.hasMore=e.hasMore,this.#D(e.messages),!0):!1}async upload(t,e,s){return await this.connect(!0),W(t,this.call,this.endpoint,e,s)}typing(t){let e=Date.now();!this.#e||t===e-this.#h<ot||(this.#h=t?e:0,this.call("POST","/typing",{sender:"visitor",isTyping:t}).catch(()=>{}))}async identify(t){this.#C({identity:t}),this.#e&&await this.call("POST","/identify",{identity:t})}async tellContact(t){await this.connect(!0),await this.call("POST","/prechat",t),this.greeting.preChatForm=void 0}async rate(t){await this.call("POST","/csat",t),this.greeting.csatRequestedAt=void 0}async trigger(t,e={},{widgetMessage:s}={}){s&&(this.#n.list.welcome(s),this.open()),await this.connect(!0),await this.call("POST","/events",{name:t,data:e})}reset(){this.#t.tell("reset"),this.#q(),this.#L(),this.close()}destroy(){this.#y.abort(),this.#B(),this.#s.stop(),Object.values(this.#a).forEach(clearTimeout),this.#n.remove()}async connect(t){let e=this.#u.catch(()=>{});this.#u=e.then(async()=>{(!t||!this.#e)&&await this.#t.inTurn(()=>this.#z(t))}),await this.#u}async#z(t){this.#i=this.storage.get("session")??{},this.#l=[];try{this.#F(await this.#N(t))}finally{let e=this.#l;this.#l=void 0;for(let s of e)this.#E(s)}}async#N(t,e){let{visitorId:s,identity:i}=this.#i;try{return await this.call("POST","/connect",{visitorId:s,identity:i,create:t,identityToken:this.config.identity,metadata:{url:location.href,referrer:document.referrer||void 0,pageTitle:document.title,language:navigator.language,timezone:Intl.DateTimeFormat().resolvedOptions().timeZone,screenResolution:`${screen.width}x${screen.height}`}})}catch(n){if(!n.details?.identityToken)throw n;let o=e?{}:await N("GET",`${this.endpoint}/identity`).catch(()=>({}));return this.config.identity=o.identityToken??void 0,this.#N(t,!0)}}#F({sessionId:t,visitorId:e,messages:s,cursor:i,...n}){let{config:o}=this,r=this.#e;t!==this.#i.handle&&this.#L(),this.#C({handle:t,visitorId:e,user:o.user}),this.store.get(s[0]?.id)&&(n.hasMore=this.greeting.hasMore),this.greeting=n,this.#r=i,this.lost=!1,this.#e=!!t,this.#D(s),this.#j(),!r&&t&&(this.#t.tell("session",this.#i),this.#A("connect",t))}async#g(t){clearTimeout(this.#a.connect);try{await this.connect(t),this.#f=0,this.#s.flush()}catch(e){if(this.#S(!0),this.#A("error",e),!e.passes)return;let s=()=>this.#g(t||this.opened);this.#a.connect=setTimeout(s,e.wait||T(this.#f++))}}#j(){!this.#t.leads||!this.#e||this.#o||(this.#o=F({address:()=>this.endpoint+"/stream"+j({sessionId:this.#i.handle,after:this.#r}),poll:t=>this.call("GET","/events",{after:this.#r},t),transport:this.config.transport,onFrame:t=>{this.#t.tell("frame",t),this.#E(t)},onState:t=>{this.#t.tell("lost",!t),this.#S(!t),t&&this.#s.flush()},onLost:()=>this.connect(!1)}))}#W(){this.#j(),this.#s.waiting.length&&this.#s.flush()}#_(t,e){t==="frame"?this.#E(e):t==="lost"?this.#S(e):t==="sent"?this.#I(e.entry,e.sent):t==="outbox"?(this.#t.leads&&(this.#s.put(e),this.#s.flush()),this.#b()):t==="reset"?(this.#i={},this.#L()):e.handle!==this.#i.handle&&(this.storage.set("session",e),this.#g(!1))}#E(t){if(this.#l)return void this.#l.push(t);let{type:e,data:s,cursor:i}=t;if(i&&Number(i)<=Number(this.#r))return;i&&(this.#r=i);let{greeting:n}=this;if(e==="typing"&&s.sender!=="visitor")this.#x("typist",s.isTyping?s.operatorName??"":void 0);else if(e==="presence")n.operatorOnline=s.online;else if(e==="ai_takeover")n.aiActive=!0;else if(e==="csat_request")n.csatRequestedAt=s.requestedAt;else if(e==="event")for(let o of["*",s.name])this.emit(`event:${o}`,s);else e==="message"&&s.sender!=="visitor"&&!this.store.get(s.id)&&(this.#x("typist"),n.aiActive=s.sender==="ai",this.emit("message",s),!this.reading&&this.#t.leads&&this.config.sound&&this.#n.chime());this.#k(t)}#x(t,e){clearTimeout(this.#a[t]),this[t]=e,this.#n.refresh(),e!==void 0&&(this.#a[t]=setTimeout(()=>this.#x(t),rt))}get#O(){return this.#s.waiting.map(({content:t})=>t)}#k(t){this.#w(this.store.apply(t,this.#O))}#D(t){this.#w(t.flatMap(e=>this.store.receive(e,this.#O)))}#w(t=[]){this.#n.show(t),this.#P()}#P(){this.#a.receipts||=setTimeout(async()=>{this.#a.receipts=0;let t=this.reading?"read":"delivered",s=this.store.unread().filter(i=>i.status!==t).map(({id:i})=>i).slice(0,500);!s.length||!this.#e||!(this.reading||this.#t.leads)||(await this.call("POST","/read",{messageIds:s,status:t}).catch(()=>{}),this.#k({type:"read",data:{messageIds:s,status:t}}))},300)}#$(t){this.#s.put(t),this.#b(),this.#t.tell("outbox",t),this.#t.leads&&this.#s.flush()}#b(){this.#w(this.#s.entries.flatMap(({at:t,error:e,...s})=>this.store.receive({...s,id:s.clientId,sender:"visitor",timestamp:new Date(t).toISOString(),status:e?"failed":"sending",error:e})))}async#U({clientId:t,content:e,replyTo:s,attachments:i}){await this.connect(!0);let n=i?.map(({id:o})=>o);return this.call("POST","/message",{clientId:t,content:e,replyTo:s,attachmentIds:n}).catch(o=>{throw o.code==="SESSION_NOT_FOUND"&&(this.#e=!1),o})}#I({clientId:t,error:e},s){this.#d.get(t)?.(e,s),this.#d.delete(t),s&&this.#s.remove(t),this.#w(s&&this.store.settle(t,s)),e&&this.#b(),this.#O.length||this.#w(this.store.release())}#C(t){this.#i={...this.#i,...t},this.storage.set("session",this.#i)}#q(){for(let t of this.storage.keys(""))this.storage.remove(t);this.#i={},this.#C({user:this.config.user})}#L(){this.#R(),this.#e=!1,this.store=new S,this.#b()}#R(){this.#o?.stop(),this.#o=void 0}#S(t){this.lost=t,this.#n.refresh()}#A(t,...e){this.#w(),this.emit(t,...e)}#V(){let{signal:t}=this.#y,e=(n,o,r)=>n.addEventListener(o,r,{signal:t});e(window,"online",()=>this.#M()),e(window,"offline",()=>this.#S(!0)),e(window,"pagehide",()=>this.#B()),e(window,"pageshow",({persisted:n})=>n&&(this.#t.join(),this.#M())),e(document,"visibilitychange",()=>this.#G());let s=()=>{clearTimeout(this.#a.moved),this.#a.moved=setTimeout(()=>this.#J(),1e3)},{navigation:i}=window;i?e(i,"currententrychange",s):e(window,"popstate",s)}#G(){let{visibilityState:t,hidden:e}=document;this.#H("/visibility",{state:t,timestamp:new Date().toISOString()}),e?this.#p=Date.now():Date.now()-this.#p>nt&&this.#M(),this.#P()}#J(){this.#n.refresh(),location.href!==this.#v&&(this.#v=location.href,this.#e&&this.#g(!1))}#M(){!this.#e&&!this.opened||(this.#o?.wake(),this.#g(this.opened))}#B(){this.#t.leads&&this.#H("/disconnect",{duration:Date.now()-this.#T,reason:"pagehide"}),this.#R(),this.#t.leave()}#H(t,e){if(!this.#e)return;let s=JSON.stringify({sessionId:this.#i.handle,...e});navigator.sendBeacon(this.endpoint+t,new Blob([s],{type:"application/json"}))}};var V=document.currentScript;"PocketPing"in window||at();function at(){let a=new Map,t,e,s=!1;function i(){s=!1,e=new Promise(d=>t=d)}function n(d,u){return a.set(d,(a.get(d)??new Set).add(u)),()=>o(d,u)}function o(d,u){a.get(d)?.delete(u)}function r(d,...u){for(let f of a.get(d)??[])queueMicrotask(()=>f(...u))}function c(d){if(s)return e;s=!0;for(let[u,f]of Object.entries(d))typeof f=="function"&&n(u.slice(2).toLowerCase(),f);return t(U(d,r)),e}async function l(){if(!s)return;let d=e;i(),(await d).destroy()}i();let p={init:c,destroy:l,on:n,onEvent:(d,u)=>n(`event:${d}`,u),offEvent:(d,u)=>o(`event:${d}`,u)};for(let d of["open","close","toggle","sendMessage","identify","reset","trigger"])p[d]=async(...u)=>(await e)[d](...u);if(Object.assign(window,{PocketPing:p}),V?.dataset.endpoint){let d={...V.dataset};for(let u in d)/^(true|false|{.*)$/.test(d[u])&&(d[u]=JSON.parse(d[u]));c(d)}}})();
