"use strict";(()=>{var g=class extends Error{constructor(e,t={},s=0){super(t.message??"No connection."),this.status=e,this.code=t.code??(e===413?"PAYLOAD_TOO_LARGE":void 0),this.details=t.details,this.most=t.most,this.wait=s*1e3,this.passes=!e||e===429||e>=500}};async function C(a,e,t,s){let i={method:a,keepalive:!0,signal:s??AbortSignal.timeout(3e4)};/GET|DELETE/.test(a)?e+=q(t):Object.assign(i,{body:JSON.stringify(t),headers:{"Content-Type":"application/json"}});let n=await fetch(e,i).catch(()=>{throw new g(0)}),o=await n.json().catch(()=>{});if(n.ok&&o)return o;throw(n.ok||/40[1345]/.test(`${n.status}`))&&pe(a,e,n),new g(n.ok?0:n.status,o,Number(n.headers.get("Retry-After")))}var W=!1;function pe(a,e,{headers:t,redirected:s,url:i,status:n}){if(W||!/html/.test(t.get("Content-Type")??""))return;W=!0;let[o,r]=[e,i].map(l=>l.split("?")[0]),c=s?`the HTML page ${r}`:`an HTML page with status ${n}`;console.error(`PocketPing: ${a} ${o} was answered by ${c} instead of the chat. If the app checks sign-in before each request, let its blueprint "pocketping" through.`)}var q=(a={})=>`?${new URLSearchParams(Object.entries(a))}`,y=a=>Math.min(3e4,500*2**a)*(.5+Math.random()/2);var ue=2e3,fe=150,me=5e3,G={ws:[5e3,({onFrame:a,address:e},t,s)=>{let i=new WebSocket(e().replace("http","ws"));return i.onopen=t,i.onmessage=({data:n})=>a(JSON.parse(n)),i.onclose=s,()=>{i.onclose=i.onmessage=null,i.close()}}],sse:[15e3,({onFrame:a,address:e},t,s)=>{let i=new EventSource(e());i.onopen=t,i.onerror=s;for(let n of["message","csat_request"])i.addEventListener(n,({data:o})=>a(JSON.parse(o)));return()=>i.close()}],poll:[15e3,({poll:a,onFrame:e},t,s,i)=>{let n=0,o=!1;async function r(){let c=!o&&(i||n++<=fe)&&await a().catch(()=>{});if(!o){if(!c)return s();t(),c.frames.forEach(e),e({type:"",data:{},cursor:c.cursor}),e({type:"presence",data:{online:c.operatorOnline}}),setTimeout(r,c.hasMore?0:ue)}}return r(),()=>o=!0}]};function V(a){let{transport:e="",carried:t=Object.keys(G),onState:s,onLost:i}=a,n=t.includes(e)?[e]:t,o=0,r=0,c=0,l=()=>{};function h(){clearTimeout(c),l(),l=()=>{}}function u(){let[p,f]=G[n[o]],m=0;function v(){h();let F=m&&Date.now()-m>me;if(o=F?0:(o+1)%n.length,o)return u();F&&(r=0),s(!1);let de=l;c=setTimeout(async()=>{await i().catch(()=>{}),l===de&&u()},y(r++))}function x(){m||s(!0),m||=Date.now(),clearTimeout(c)}c=setTimeout(v,p),l=f(a,x,v,!n[1])}return u(),{wake(){h(),o=r=0,u()},stop:h}}var A=class{connected=!1;#e;#t;#s="0";#n=new Set;#i=Promise.resolve();#o=0;constructor(e){this.#e=e}call=(e,t,s,i)=>{let{endpoint:n,visitor:o}=this.#e;return C(e,n+t,{sessionId:o.stored.handle,...s},i)};async beacon(e,t){this.connected&&await this.call("POST",e,t).catch(()=>{})}async connect(e){let{tabs:t,ended:s}=this.#e;s.aborted&&await new Promise(()=>{});let i=this.#i.catch(()=>{});if(this.#i=i.then(async()=>{(!e||!this.connected)&&await t.inTurn(()=>this.#r(e))}),await this.#i,e&&!this.connected)throw new g(0)}async settled(){await this.#i.catch(()=>{})}async keepConnecting(){let e=this.#e;try{await this.connect(e.opened&&!this.connected),this.#o=0,e.outgoing.flush()}catch(t){e.setLost(t.status&&t.status<500?t:!0),e.tell("error",t);let s=t.wait||y(this.#o++);t.passes&&e.timers.later("connect",()=>this.keepConnecting(),s)}}async#r(e){let t=this.#e,{visitor:s,config:i}=t;s.reload();let{identityToken:n,user:o}=await s.ask();if(i.identity||t.recognize(o),!e&&!s.stored.handle&&!n)return t.setLost(!1);try{await this.read(this.#h(e,n),r=>this.#u(r))}catch(r){if(!i.identity||!r.details?.identityToken)throw r;t.emit("error",r),i.identity=void 0,await this.#r(e)}}#h(e,t){let{visitorId:s,identity:i}=this.#e.visitor.stored;return this.call("POST","/connect",{project:this.#e.config.project,visitorId:s,identity:i,create:e,identityToken:t,metadata:{url:location.href,referrer:document.referrer,pageTitle:document.title,language:navigator.language,timezone:Intl.DateTimeFormat().resolvedOptions().timeZone,screenResolution:`${screen.width}x${screen.height}`}})}#u({sessionId:e,visitorId:t,messages:s,cursor:i,user:n,...o}){let r=this.#e,{visitor:c}=r;r.recognize(n);let{connected:l}=this,h=r.store.get(s[0]?.id);(e!==c.stored.handle||o.hasMore&&!h)&&r.clear(),c.keep({handle:e,visitorId:t}),h&&(o.hasMore=r.greeting.hasMore),r.greeting=o,this.connected||(this.#s=i),r.lost=!1,this.connected=!!e,r.take(s),this.listen(),!l&&e&&(r.tabs.tell("session",c.stored),r.tell("connect",e))}async read(e,t){let s=this.#e,{store:i}=s,n=[];this.#n.add(n);let o=await e.finally(()=>this.#n.delete(n));if(!o||i!==s.store)return!1;if(t(o),i===s.store)for(let r of n)s.apply(r);return!0}advance(e){let{cursor:t}=e;if(t&&+t<=+this.#s)return!1;t&&(this.#s=t);for(let s of this.#n)s.push(e);return!0}listen(){let e=this.#e;!e.tabs.leads||!this.connected||this.#t||(this.#t=V({address:()=>`${e.endpoint}/stream${q({sessionId:e.visitor.stored.handle,after:this.#s})}`,poll:()=>this.call("GET","/events",{after:this.#s}),transport:e.config.transport,carried:e.greeting.transports,onFrame:t=>{e.tabs.tell("frame",t),e.receive(t)},onState:t=>{e.tabs.tell("lost",!t),e.setLost(!t),t&&e.outgoing.flush()},onLost:()=>this.connect(!1)}))}wake(){this.#t?.wake(),(this.connected||this.#e.opened)&&this.keepConnecting()}hangUp(){this.#t?.stop(),this.#t=void 0}};var H=new CSSStyleSheet;H.replaceSync(':host{position:fixed;z-index:2147483000;--paper:light-dark(#fff,#16181d);--soft:light-dark(#f1f3f6,#262a32);--ink:light-dark(#16181d,#eceef2);--dim:light-dark(#5b6270,#a3abb9);--bad:light-dark(#b3261e,#ffb4ab)}[hidden]{display:none!important}.root{all:initial;display:block;color-scheme:inherit;font:15px/1.45 system-ui,sans-serif;color:var(--ink)}*{box-sizing:border-box;margin:0;font:inherit;color:inherit}:focus-visible,:focus-visible+svg,.field:has(textarea:focus){outline:2px solid var(--ring,var(--brand));outline-offset:-2px}.field:has(textarea:focus){border-color:var(--ink)}.head,.bubble,.main{--ring:currentColor}.launcher:focus-visible{outline-offset:2px}.launcher[aria-expanded=true]>:first-child,[aria-expanded=false]>:nth-child(2){display:none}button{border:0;padding:8px;background:none;cursor:pointer;border-radius:8px}button:where(:hover){background:#8883}svg{width:22px;display:block;margin:auto;fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round}.launcher,.panel{position:fixed;bottom:calc(20px + env(safe-area-inset-bottom));right:calc(20px + env(safe-area-inset-right));box-shadow:0 4px 32px #0005}[class$=left]>*{right:auto!important;left:20px}.bubble,.notice,.chip,.day{background:var(--soft)}.bubble{margin:2px 0;padding:8px 12px;border-radius:16px;overflow-wrap:anywhere;white-space:pre-wrap}.own,.main{--on:var(--brand)}.head{--on:var(--head)}.launcher{--on:var(--toggle);padding:19px;border-radius:50%}.log{--on:var(--wall)}.launcher,.head,.main,.own .bubble,.log{background:var(--on)}.launcher,.head,.main,.own .bubble,[class*="#"] .name{color:lab(from var(--on) calc(9e3*(49.5 - l)) 0 0)}.badge{position:absolute;inset:-2px -2px auto auto;padding:0 8px;border-radius:12px;background:#b3261e;color:#fff;line-height:22px}.panel{outline:0;bottom:92px;width:384px;height:min(640px,100dvh - 112px);display:flex;flex-direction:column;overflow:hidden;border-radius:16px;background:var(--paper);animation:rise .2s}@keyframes rise{from{opacity:0;translate:0 12px}}.head,.chip{display:flex;align-items:center;gap:12px}.head{padding:12px 16px}.head>div,.chip>span,.chip>div{flex:1;min-width:0}h2,b{font-weight:600}h2,.excerpt{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.state,.notice,.day,.name,.excerpt,.typing,.error,.chip,.badge{font-size:13px}.online::before{content:"● ";color:#4ade80}.avatar{width:40px}.avatar,.face{border-radius:50%;aspect-ratio:1;object-fit:cover}.notice{padding:8px 16px;text-align:center}.notice,.error{text-wrap:balance}.log{flex:1;overflow-y:auto;overscroll-behavior:contain;padding:12px 16px}.whatsapp{--wall:light-dark(#efeae2,#101b1a)}.whatsapp .log,.dots .log{background-image:radial-gradient(#8884 2px,#0000 0);background-size:20px 20px}.message{display:grid;grid-template-columns:fit-content(80%) 1fr;position:relative;content-visibility:auto;contain-intrinsic-size:auto 56px}.own{grid-template-columns:1fr fit-content(80%)}.own .bubble,.tools{grid-column:2/3}.message:not(.more)+.own{margin-top:8px}.message:has(.tools){content-visibility:visible;z-index:1}.tools{position:absolute;inset:auto 0 2px;justify-content:end}.tools>div{display:flex;margin-inline-end:auto;white-space:nowrap}.own .tools{grid-column:1/2;justify-content:start}.own .tools>div{margin-inline:auto 0}.day{margin:12px auto;padding:2px 12px;border-radius:12px;text-align:center}.quiet,.more .meta:not(.keep){position:absolute;clip-path:inset(50%)}.day,.meta,.name,.typing{color:var(--dim);grid-column:1/-1}.name{display:flex;align-items:center;gap:8px;margin-top:8px}.face{width:24px;text-align:center;line-height:24px}.own .meta{color:inherit}.bubble button,.day button{padding:2px 8px;text-decoration:underline}.message:not(:last-child) .day button{display:none}.meta{font-size:12px;text-align:end}.error,.failed .bubble{color:var(--bad)}.failed .bubble{background:var(--soft);border:1px solid}.gone{font-style:italic}.excerpt{display:block;padding-inline-start:8px;border-inline-start:3px solid}.picture{display:block;max-width:100%;max-height:240px;height:auto;object-fit:cover;border-radius:8px}.tools,.stars,.field{display:flex}.pill{height:44px;margin:-48px auto 4px;padding:0 16px;z-index:1;border-radius:16px}.typing{padding:0 16px 8px}.card{display:grid;gap:8px;margin:8px 16px;padding:12px;text-align:center}.stars{justify-content:center}.stars svg{width:32px;stroke:#b26a00}.stars label{position:relative}.stars label:has(~label>:checked) svg,:checked+svg{fill:#f5a623}[type=radio]{position:absolute;inset:0;height:100%;opacity:0;cursor:pointer}input,textarea,.field,.card,.tools>div{border:1px solid var(--dim);border-radius:12px;background:var(--paper)}input,textarea{width:100%;padding:8px;font-size:16px;resize:none}::placeholder{color:var(--dim);opacity:1}:placeholder-shown{direction:inherit}:empty.error{display:none}.composer{padding:10px 12px max(10px,env(safe-area-inset-bottom));border-top:1px solid var(--soft);background:var(--foot)}.field{align-items:end}.field textarea{max-height:120px;padding:6px 4px;border:0;outline:0}.over{outline:2px dashed}[dir=rtl] .send svg{transform:scaleX(-1)}.chip{margin-bottom:8px;padding:0 8px;border-radius:8px}canvas,progress{width:48px}:disabled{opacity:.5}@media(pointer:coarse){button,input,textarea,.stars label{min-width:44px;min-height:44px}.stars label{display:grid}.field textarea{padding:11px 4px}}@media(max-width:480px),(max-height:480px){.head{padding-top:calc(12px + env(safe-area-inset-top))}.panel{padding:0 env(safe-area-inset-right) 0 env(safe-area-inset-left);inset:var(--above,0) 0 auto!important;width:auto;height:var(--height,100dvh);border-radius:0}.panel:not([hidden])+.launcher{display:none}}@media(prefers-reduced-motion){*{animation:none!important}}@media print{:host{display:none}}');var L=({sender:a,metadata:e})=>a!=="visitor"&&!e?.kind,J=({seq:a,status:e,after:t=0})=>a??(e==="failed"?t+.5:1/0),T=class{messages=[];#e=new Map;#t=[];get(e){return this.#e.get(e)}receive(e,t=[]){let s=this.get(e.id);if(!s&&e.sender==="visitor"&&t.includes(e.content))return this.#t.push(e),[];let i=Object.assign(s??e,e);return this.#e.set(i.id,i),this.#s(i),[i]}settle(e,{messageId:t,...s}){let i=this.get(e);if(!i)return[];let n=this.remove(t);return this.#e.delete(e),this.receive(Object.assign(i,{status:"sent"},n,s,{id:t}))}release(e){return this.#t.splice(0).flatMap(t=>this.receive(t,e))}remove(e){let t=this.get(e);return this.#e.delete(e),t&&this.messages.splice(this.messages.indexOf(t),1),t}apply({type:e,data:t},s){if(e==="message")return this.receive(t,s);let{messageId:i,messageIds:n=[i],...o}=t;if(e==="message_deleted")Object.assign(o,{content:"",attachments:[]});else if(e!=="read"&&e!=="message_edited")return[];let r=[...this.messages,...this.#t].filter(({id:c})=>n.includes(c));for(let c of r)Object.assign(c,o);return r}unread(){return this.messages.filter(e=>L(e)&&e.status!=="read"&&!e.deletedAt)}#s(e){let{messages:t}=this,s=J(e),i=t.indexOf(e);if(i>=0&&s===1/0)return;i>=0&&t.splice(i,1);let n=t.length;for(;n&&J(t[n-1])>s;)n--;t.splice(n,0,e)}};var B={en:`Open chat
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
You're going too fast. Continue at {time}.
Enter a valid email address.
Include the country code, for example +49 30 123456.
Enter an email address or a phone number.
Reload the page to continue.
You
Files can be up to {size}.
New messages
New conversation
Usual reply time: {time}`,de:`Chat öffnen
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
Das war zu schnell. Weiter um {time}.
Geben Sie eine gültige E-Mail-Adresse ein.
Geben Sie die Ländervorwahl mit an, zum Beispiel +49 30 123456.
Geben Sie eine E-Mail-Adresse oder eine Telefonnummer ein.
Laden Sie die Seite neu, um fortzufahren.
Sie
Höchstens {size} je Datei.
Neue Nachrichten
Neue Unterhaltung
Übliche Antwortzeit: {time}`,fr:`Ouvrir le chat
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
C’est trop rapide. Continuez à {time}.
Saisissez une adresse e-mail valide.
Indiquez l’indicatif du pays, par exemple +33 1 23 45 67 89.
Saisissez une adresse e-mail ou un numéro de téléphone.
Rechargez la page pour continuer.
Vous
{size} maximum par fichier.
Nouveaux messages
Nouvelle conversation
Réponse habituelle : {time}`,es:`Abrir el chat
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
Va demasiado rápido. Continúe a las {time}.
Introduzca una dirección de correo válida.
Incluya el prefijo del país, por ejemplo +34 912 345 678.
Introduzca un correo electrónico o un número de teléfono.
Recargue la página para continuar.
Usted
Máximo {size} por archivo.
Mensajes nuevos
Nueva conversación
Respuesta habitual: {time}`,ar:`فتح المحادثة
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
هذا سريع جدًا. متابعة في {time}.
أدخل بريدًا إلكترونيًا صالحًا.
أضف رمز الدولة، مثل ‎+966 11 123 4567.
أدخل بريدًا إلكترونيًا أو رقم هاتف.
أعد تحميل الصفحة للمتابعة.
أنت
الحد الأقصى للملف {size}.
رسائل جديدة
محادثة جديدة
وقت الرد المعتاد: {time}`};var ge="open close team online away ai welcome messages placeholder send attach reply edit remove sure deleted edited sending sent delivered read failed retry cancel offline typing contact email phone save skip rate stars comment thanks closed reopened large empty wrong slow address number reach reload you limit fresh again pace";function Y(a,e){let t=(B[a.split("-")[0].toLowerCase()]??B.en).split(`
`);return{...Object.fromEntries(ge.split(" ").map((i,n)=>[i,t[n]])),...e}}function K(a){let e=s=>s.split("-")[0].toLowerCase(),t=navigator.languages.find(s=>e(s)===e(a));try{return Intl.getCanonicalLocales(t??a)[0]}catch{return}}var O=(a,e,t)=>new Intl.NumberFormat(t,{style:"unit",unit:e,maximumSignificantDigits:2}).format(a);var we={chat:"M4 5h16v11h-9l-5 4v-4H4z",close:"M6 6l12 12M18 6L6 18",send:"M5 12L4 4l17 8-17 8 1-8h7",attach:"M8 12l6-6a3 3 0 0 1 4 4l-8 8a5 5 0 0 1-7-7l7-7",reply:"M9 7l-5 5 5 5M4 12h9a6 6 0 0 1 6 6",edit:"M5 19v-4L16 4l4 4L9 19z",remove:"M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",star:"M12 4l2 5 6 1-4 4 1 5-5-2-5 2 1-5-4-4 6-1z"};function k(a){let[e,t]=["svg","path"].map(s=>document.createElementNS("http://www.w3.org/2000/svg",s));return e.setAttribute("viewBox","0 0 24 24"),e.ariaHidden="true",t.setAttribute("d",we[a]),e.append(t),e}function d(a,e="",t={},...s){let i=Object.assign(document.createElement(a),t,{className:e});return i.append(...s),i}function b(a,e,t){return d("button",a,{type:t?"button":"submit",ariaLabel:e,title:e,onclick:t},k(a))}function w(a,e){return d("button","",{type:"button",onclick:()=>e()},a)}function M(a,e){return d("a","",{href:a,target:"_blank",rel:"noopener noreferrer"},e)}function E(a,e=""){a.textContent!==e&&(a.textContent=e),a.hidden=!e}var ve=/\b(?:https?:\/\/|www\.)[^\s<>"]*[^\s<>".,:;!?)\]}]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+/gi,be={sending:"◷",sent:"✓",delivered:"✓✓",read:"✓✓",failed:"!"},xe=864e5,I=class{element=d("div","log",{role:"log",tabIndex:0});pill;#e=!0;#t;#s;#n=new Map;#i;#o;constructor(e,t){this.#i=e,this.#o=t;let{element:s}=this;s.ariaLabel=e.texts.messages,s.setAttribute("aria-relevant","additions"),this.pill=d("button","main pill",{hidden:!0,onclick:()=>this.toEnd()},e.texts.fresh),s.onscroll=()=>{let{scrollHeight:i,scrollTop:n,clientHeight:o}=s;this.#e=i-n-o<80,this.#e&&(this.pill.hidden=!0),n<200&&this.#g()},s.onkeydown=i=>this.#m(i),new ResizeObserver(()=>this.#e&&this.toEnd()).observe(s);for(let i of["mouseover","focusin","click"])s.addEventListener(i,({target:n})=>this.#f(n));s.onpointerleave=({pointerType:i})=>i==="mouse"&&s.querySelector(".tools:not(:focus-within)")?.remove(),this.welcome()}welcome(e=this.#t){let{greeting:t,config:s,locale:i,texts:n}=this.#i,{operatorName:o,welcomeMessage:r,replyTime:c}=t;this.#s=t,this.#t=e;let l=this.element.firstElementChild??this.element.appendChild(d("div","message")),h=e??s.welcomeMessage??r??n.welcome;if(l.replaceChildren(this.#a(void 0,{sender:"operator",operatorName:o}),d("div","bubble",{},d("div","",{dir:"auto"},h))),!c)return;let[u,p]=c<3600?[60,"minute"]:[3600,"hour"],f=O(Math.ceil(c/u),p,i);l.append(d("div","name",{},n.pace.replace("{time}",f)))}toEnd(e=9,t=0){let{element:s}=this;!e||s.scrollTop<t||(s.scrollTop=1e9,t=s.scrollTop,requestAnimationFrame(()=>this.toEnd(e-1,t)))}show(e){let{store:t,greeting:s}=this.#i,{messages:i}=t;s!==this.#s&&this.welcome();let n=this.#e||e.some(({status:l})=>l==="sending"),[o]=i.slice(-1);!n&&e.includes(o)&&L(o)&&!this.#n.has(o)&&(this.pill.hidden=!1);let r=new Set(i);for(let[l,h]of this.#n)r.has(l)||(h.remove(),this.#n.delete(l));let c=new Set(e.map(({id:l})=>l));i.forEach(({id:l,replyTo:h=""},u)=>{[l,h,i[u-1]?.id].some(p=>c.has(p))&&this.#r(u)}),i.forEach((l,h)=>this.#n.get(l)?.classList.toggle("more",Q(l,i[h+1]))),n&&e.length&&this.toEnd()}#r(e){let{messages:t}=this.#i.store,s=t[e],i=this.#n.get(s)??d("div","",{tabIndex:-1});i.className=`message ${s.sender==="visitor"?"own":""} ${s.status}`;let n=s.deletedAt?null:i.querySelector(".tools");for(let r of[...i.children])r!==n&&r.remove();i.prepend(...this.#h(t[e-1],s));let o=this.#n.get(t[e-1])??this.element.firstElementChild;i.previousElementSibling!==o&&o?.after(i),this.#n.set(s,i)}#h(e,t){let{metadata:s,timestamp:i}=t,n=[],o=this.#p(i);return(!e||this.#p(e.timestamp)!==o)&&n.push(d("div","day",{},o)),s?.system?[...n,this.#u(t)]:[...n,this.#a(e,t),this.#c(t)]}#u({content:e,metadata:{kind:t=""}={}}){let{texts:s}=this.#i,i=t.slice(8),n=d("div","day system",{dir:"auto"},s[i]??e);return i==="closed"&&n.append(d("br"),w(s.placeholder,()=>this.#o.text.focus()),w(s.again,()=>this.#i.restart())),n}#p(e){let{locale:t}=this.#i,s=new Date(e),i=Math.round((s.setHours(0,0,0,0)-new Date().setHours(0,0,0,0))/xe),n=new Intl.RelativeTimeFormat(t,{numeric:"auto"}).format(i,"day");return i>-2?n[0].toLocaleUpperCase()+n.slice(1):s.toLocaleDateString(t,{dateStyle:"long"})}#a(e,t){let{texts:s,config:i}=this.#i,{sender:n,operatorName:o}=t;if(n==="visitor")return d("div","quiet",{},s.you);let r=n==="ai",c=o??(r?s.ai:i.operatorName??s.team);if(Q(e,t))return d("div","quiet",{},c);let l=r?"":this.#i.pictureOf(o),h=l?d("img","face",{alt:"",src:l}):d("span","main face",{ariaHidden:"true"},[...c][0]);return d("div","name",{},h,c)}#c(e){let{store:t,texts:s}=this.#i;if(e.deletedAt)return d("div","bubble gone",{},s.deleted);let i=e.replyTo&&t.get(e.replyTo),n=i?[d("span","excerpt",{dir:"auto"},i.content||s.deleted)]:[],o=(e.attachments??[]).map(c=>this.#d(c)),r=d("div","",{dir:"auto"},...ye(e.content));return d("div","bubble",{},...n,...o,r,this.#l(e))}#d({url:e,thumbnailUrl:t,filename:s,width:i,height:n}){let o=h=>new URL(h,this.#i.endpoint).href,r=i&&n?{width:i,height:n}:{},c=`📎 ${s}
`;if(!t)return M(o(e),c);let l=d("img","picture",{...r,alt:s,src:o(t)});return l.onerror=()=>l.replaceWith(c),M(o(e),l)}#l(e){let t=this.#i,{texts:s,locale:i}=t,{timestamp:n,editedAt:o,error:r}=e,c=new Date(n).toLocaleTimeString(i,{hour:"numeric",minute:"2-digit"}),l=d("div",o||r?"meta keep":"meta",{},c,o?` · ${s.edited} `:" ");if(e.sender!=="visitor")return l;let h=e.status;if(l.append(d("span","",{role:"img",ariaLabel:s[h],title:s[h]},be[h])),r){let{clientId:u,fix:p}=e,f=p?w(s.edit,()=>this.#o.pick("edit",e)):w(s.retry,()=>t.outgoing.retry(u));f.hidden=h!=="failed",l.append(` ${r} `,f,w(s.remove,()=>t.remove(e)))}return l}#f(e){let t=e.closest(".message"),s=[...this.#n].find(([,c])=>c===t)?.[0];if(!t||!s?.seq||s.deletedAt||s.metadata||t.querySelector(".tools"))return;this.element.querySelector(".tools")?.remove();let{texts:i}=this.#i,n=c=>b(c,i[c],()=>this.#o.pick(c,s)),o=d("div","",{},n("reply")),r=()=>{let c=w(i.sure,()=>this.#i.remove(s));o.replaceChildren(c),c.focus()};s.sender==="visitor"&&o.append(n("edit"),b("remove",i.remove,r)),t.append(d("div","tools",{},o))}#m(e){let t={ArrowUp:"previousElementSibling",ArrowDown:"nextElementSibling"}[e.key];if(!t)return;e.preventDefault();let s=e.target.closest(".message");(s?s[t]:this.element.lastElementChild)?.focus()}async#g(){let{element:e}=this;if(e.ariaLive==="off")return;e.ariaLive="off";let t=e.scrollHeight-e.scrollTop;await this.#i.loadOlder()&&(e.scrollTop=e.scrollHeight-t),e.ariaLive="polite"}};function Q(a,e){let[t,s]=[a,e].map(i=>i&&[i.sender,i.operatorName,i.timestamp?.slice(0,16),i.metadata?.system,i.status==="failed"]);return`${t}`==`${s}`}function ye(a){let e=[],t=0;for(let{0:s,index:i}of a.matchAll(ve)){let n=/^https?:/i.test(s)?"":/^www\./i.test(s)?"https://":"mailto:";e.push(a.slice(t,i),M(n+s,s)),t=i+s.length}return[...e,a.slice(t)]}var N=class{text=d("textarea","",{rows:1,maxLength:4e3,dir:"auto"});#e=d("div","chip",{hidden:!0});#t=d("div");#s={};#n=new Set;#i=!1;#o;constructor(e){this.#o=e;let{texts:t,config:s}=e,{text:i}=this;i.placeholder=i.ariaLabel=s.placeholder??t.placeholder,i.value=e.draft;let n=d("input","",{type:"file",multiple:!0,hidden:!0});n.onchange=()=>this.#c(n.files),this.attach=b("attach",t.attach,()=>n.click());let o=d("div","field",{},this.attach,i,b("send",t.send));this.element=d("form","composer",{},this.#e,this.#t,o,n),this.element.onsubmit=r=>{r.preventDefault(),this.#p()},i.oninput=()=>this.#h(),i.onkeydown=r=>this.#u(r),i.onpaste=({clipboardData:r})=>this.#c(r?.files)}restore(){this.text.value||(this.text.value=this.#o.draft)}takeDrops(e){let t=s=>{s.preventDefault(),e.classList.toggle("over",s.type==="dragover")};e.ondragover=e.ondragleave=t,e.ondrop=s=>(t(s),this.#c(s.dataTransfer?.files))}pick(e,t){let{texts:s}=this.#o,i=this.#s.kind==="edit";if(this.#s={kind:e,message:t},this.#i=!1,i&&this.#r(this.#o.draft??""),this.#e.hidden=!t,!e||!t)return;e==="edit"&&this.#r(t.content);let n=d("span","excerpt",{dir:"auto"},`${s[e]}: ${t.content}`);this.#e.replaceChildren(n,b("close",s.cancel,()=>this.pick())),this.text.focus()}#r(e){this.text.value=e,this.#h()}#h(){let{text:e}=this,t=this.#o;this.#s.kind!=="edit"&&t.storage.set("draft",e.value),t.typing(e.value!==""),e.style.height="",e.value&&(e.style.height=`${e.scrollHeight}px`)}#u(e){let{key:t,shiftKey:s,isComposing:i}=e;t==="Enter"&&!s&&!i?(e.preventDefault(),this.#p()):t==="Escape"&&this.#s.kind&&(e.stopPropagation(),this.pick())}#p(){let e=this.#o,{kind:t,message:s}=this.#s,i=this.text.value.trim();if(t==="edit"&&s)return i&&this.#a(s,i);let n=[...this.#n];if(this.#i=n.some(({done:r})=>!r),this.#i||!(i||n.length)||this.text.disabled)return;let o=n.flatMap(({done:r})=>r??[]);e.sendMessage(i,{replyTo:s?.id,attachments:n.length?o:void 0}),this.#n.clear(),this.#t.replaceChildren(),this.pick(),this.#r("")}async#a(e,t){this.pick();let{value:s}=this.text;!await this.#o.edit(e,t)&&this.text.value===s&&!this.#s.kind&&this.pick("edit",{...e,content:t})}#c(e){if(!this.attach.hidden)for(let t of e??[])this.#d(t)}#d(e){let{texts:t}=this.#o,s={},i=new AbortController,n=d("progress","",{ariaLabel:e.name,value:0}),o=d("p","error",{role:"alert"}),r=async()=>{o.textContent="",c.hidden=!0,n.hidden=!1;try{s.done=await this.#o.upload(e,u=>n.value=u,i.signal),n.remove(),this.#i&&this.#p()}catch(u){o.textContent=this.#o.explain(u),n.hidden=!0,u.passes!==!1?c.hidden=!1:this.#i=!this.#n.delete(s)}},c=w(t.retry,r),l=()=>{i.abort(),this.#n.delete(s),this.#i=!1,h.remove()},h=d("div","chip",{},d("div","",{},d("span","excerpt",{},e.name),o),n,c,b("close",`${t.remove} ${e.name}`,l));this.#n.add(s),this.#t.append(h),ke(e,h),r()}};async function ke(a,e){let t=a.type.startsWith("image/")&&await createImageBitmap(a,{resizeHeight:48}).catch(()=>null);if(!t)return;let{width:s,height:i}=t,n=d("canvas","",{width:s,height:i});n.getContext("2d")?.drawImage(t,0,0),e.prepend(n)}function X(a,e){let{texts:t,greeting:s}=a,{fields:i="",required:n}=s.preChatForm??{},o=[];for(let[r,c,l]of[["email","email",t.email],["phone","tel",t.phone]]){let h=!i.includes("-or-"),u={name:r,type:c,autocomplete:c,placeholder:l,ariaLabel:l,required:h};i.includes(r)&&o.push(d("input","",u))}return ee(a,t.contact,t.save,n?"":w(t.skip,e),o,async({email:r,phone:c})=>{if(!r&&!c)return t.reach;await a.tellContact({email:r,phone:c?.replace(/[^+\d]/g,"")}),e()})}function Z(a,e){let{texts:t}=a,s=[1,2,3,4,5].map(r=>{let c=t.stars.replace("{count}",`${r}`),l=d("input","",{type:"radio",name:"score",value:r,ariaLabel:c,required:!0});return d("label","",{title:c},l,k("star"))}),i={name:"comment",rows:1,maxLength:1e3,placeholder:t.comment,ariaLabel:t.comment},n=d("textarea","",i),o=[d("div","stars",{},...s),n];return ee(a,t.rate,t.send,w(t.skip,e),o,async({score:r,comment:c})=>{await a.rate({score:Number(r),comment:c}),e(t.thanks)})}function ee(a,e,t,s,i,n){let o=d("p","error",{role:"alert"}),r=d("form","card",{ariaLabel:e},d("b","",{},e),...i,o,s,d("button","main",{},t));return r.onsubmit=c=>{c.preventDefault();let l=[...new FormData(r)].map(([h,u])=>[h,`${u}`.trim()||void 0]);n(Object.fromEntries(l)).catch(h=>a.explain(h)).then(h=>o.textContent=h??"")},r}var Ee=matchMedia("(max-width:480px),(max-height:480px)"),Se=matchMedia("(pointer:coarse)"),te=()=>Se.matches;function se(a){let e=!1,t=!1,s=[],i="",n=o=>{t&&o.stopImmediatePropagation(),t=!1,e&&a.close()};return addEventListener("popstate",n,{signal:a.ended,capture:!0}),(o,r)=>{let c=a.opened&&Ee.matches;if(r.ariaModal=`${c}`,c===e)return;e=c;let{style:l}=document.documentElement;c?(s=[...document.body.children].filter(u=>u!==o&&!u.inert),i=l.overflow,history.pushState({...history.state,pocketping:t=!0},"")):t&&history.state?.pocketping&&history.back(),l.overflow=c?"hidden":i;for(let h of s)h.inert=c}}var D=class{#e={};later(e,t,s){clearTimeout(this.#e[e]),this.#e[e]=setTimeout(t,s)}stop(){Object.values(this.#e).forEach(clearTimeout)}};var S=class extends HTMLElement{#e=d("img","avatar",{alt:""});#t=d("h2");#s=d("p","state",{role:"status"});#n=d("p","notice",{role:"status"});#i=d("p","typing",{role:"status"});#o=d("span","badge",{ariaHidden:"true"});#r=d("div");#h="";#u=0;#p="";#a;#c;#d;#l;constructor(e){super(),this.#a=e;let{config:t,texts:s,language:i}=e;this.#c=new N(e),this.list=new I(e,this.#c),this.#d=d("button","launcher",{onclick:()=>e.toggle()},k("chat"),k("close"),this.#o),this.#l=d("section","panel",{role:"dialog",ariaLabel:s.team,hidden:!0,tabIndex:-1},d("div","head",{},this.#e,d("div","",{},this.#t,this.#s),b("close",s.close,()=>e.close())),this.#n,this.list.element,this.list.pill,this.#i,this.#r,this.#c.element),this.#l.onkeydown=({key:c})=>{c==="Escape"&&e.close()},this.#c.takeDrops(this.#l);let n=/^(ar|fa|he|ur)/.test(i)?"rtl":"ltr",o=this.attachShadow({mode:"open"});o.adoptedStyleSheets=[H],o.append(d("div",`root ${t.position}`,{lang:i,dir:n},this.#l,this.#d)),o.addEventListener("keydown",c=>c.stopPropagation());let{theme:r=""}=t;this.style.colorScheme=/light|dark/.test(r)?r:"light dark",this.hidden=!0,setTimeout(()=>this.hidden=!1,t.showDelay),visualViewport?.addEventListener("resize",()=>this.#w()),this.refresh()}show(e){this.list.show(e),this.refresh()}focus(){(te()?this.#l:this.#c.text).focus()}get draft(){return this.#c.text.value}restore(){this.#c.restore()}refresh(){let{greeting:e,config:t,connection:s,texts:i,typist:n,store:o,lost:r,problem:c}=this.#a;this.#f(),this.#c.attach.hidden=s.connected&&!e.maxUploadSize,this.#m();let l=o.messages.findLast(({sender:p,operatorName:f})=>p==="operator"&&f),h=l?.operatorName??e.operatorName??t.operatorName??i.team,u=this.#a.pictureOf(l?.operatorName);this.#e.hidden=!u,u&&this.#e.getAttribute("src")!==u&&(this.#e.src=u),this.#s.classList.toggle("online",!!e.operatorOnline),E(this.#t,h),E(this.#s,i[e.operatorOnline?"online":e.aiActive?"ai":"away"]),E(this.#n,r?r===!0?i.offline:this.#a.explain(r):c),E(this.#i,n===void 0?"":i.typing.replace("{name}",n||h)),this.#g()}chime(){let e=new AudioContext,t=e.createOscillator(),s=e.createGain();s.gain.value=.1,s.gain.linearRampToValueAtTime(0,.4),t.connect(s).connect(e.destination),t.start(),t.stop(.4),setTimeout(()=>e.close(),500)}#f(){let{config:e,greeting:t}=this.#a,s=e.primaryColor??t.primaryColor??"#1f5eff",{headerColor:i=s,toggleColor:n=s}=t,{footerColor:o="",chatBackground:r=""}=t,c=Object.entries({brand:s,head:i,toggle:n,foot:o,wall:r});for(let[l,h]of c)this.style.setProperty(`--${l}`,h);this.#l.className=`panel ${r}`}#m(){let{opened:e,config:t,texts:s,store:i}=this.#a,{showOnPages:n,hideOnPages:o,launcher:r,titleBadge:c}=t,l=e?0:i.unread().length;l!==this.#u&&this.#a.emit("unread",l),this.#u=l;let h=l>99?"99+":l?`${l}`:"";E(this.#o,h);let u=e?s.close:s.open;this.#d.ariaLabel=h?`${u} (${h})`:u,this.#d.ariaExpanded=`${e}`;let p=m=>new RegExp(m).test(location.pathname);this.#d.hidden=r===!1||n?.some(p)===!1||!!o?.some(p);let f=this.#l.hidden===e;if(this.#l.hidden=!e,this.#w(),c){let m=document.title===this.#h?document.title.replace(/^\(\d+\+?\) /,""):document.title;document.title=this.#h=h?`(${h}) ${m}`:m}if(f){if(!e)return this.#d.focus();this.list.toEnd(),this.focus()}}#g(){let{greeting:e,store:t}=this.#a,{preChatForm:s,csatRequestedAt:i}=e,n=t.messages.some(({sender:l})=>l==="visitor"),o=s&&!s.completed&&(n||s.timing.startsWith("before"));this.#c.text.disabled=!!(o&&s.required&&!n);let r=!(o&&s.required)&&i||(o?"contact":"");if(r===this.#p)return;this.#p=r;let c=(l="")=>{let h=d("p","notice",{role:"status"},l);this.#r.replaceChildren(...l?[h]:[]),this.#a.timers.later("thanks",()=>h.remove(),6e3),this.refresh(),this.focus()};if(!r)return this.#r.querySelector("form")?.remove();this.#r.replaceChildren((r==="contact"?X:Z)(this.#a,c))}#w(){this.#a.cover(this,this.#l),visualViewport&&(this.#l.style.setProperty("--height",`${visualViewport.height}px`),this.#l.style.setProperty("--above",`${visualViewport.offsetTop}px`))}};customElements.get("pocketping-chat")||customElements.define("pocketping-chat",S);var Te={PAYLOAD_TOO_LARGE:"large",RATE_LIMITED:"slow",UPGRADE_REQUIRED:"reload"},ie={email:"address",phone:"number",size:"empty"};function ne(a,e,t){if(!(a instanceof g))return e.wrong;let{code:s="",details:i,message:n,most:o=0,wait:r}=a;if(s==="INVALID_REQUEST"&&!i)return n;let c=Object.keys(i??{}).find(p=>p in ie)??"",l=O(o/2**20,"megabyte",t),h=new Date(Date.now()+r).toLocaleTimeString(t);return(o?e.limit:e[Te[s]??ie[c]??"wrong"]).replace("{size}",l).replace("{time}",h)}var z="out:",$=class{#e=!1;#t=0;#s=0;#n;#i;#o;#r;constructor(e,t,s,i){this.#n=e,this.#i=t,this.#o=s,this.#r=i}get entries(){return this.#n.keys(z).map(t=>this.#n.get(t)).filter(Boolean).sort((t,s)=>t.at-s.at)}get waiting(){return this.entries.filter(({error:e})=>!e)}put(e){this.#n.set(z+e.clientId,e)}has(e){return!!this.#n.get(z+e)}remove(e){this.#n.remove(z+e)}async flush(e=0){if(this.#s=e,!this.#e){this.stop(),this.#e=!0;try{for(let[t]=this.waiting;t;[t]=this.waiting)await this.#h(t),this.#s=0}catch(t){let s=t.wait||this.#r(this.#s);this.#t=setTimeout(()=>this.flush(this.#s+1),s)}this.#e=!1}}stop(){clearTimeout(this.#t)}async#h(e){try{let t=await this.#i(e);if(!t)return;this.remove(e.clientId),this.#o(e,t)}catch(t){let{message:s,passes:i,code:n}=t;if(i!==!1||n==="SESSION_NOT_FOUND")throw t;let o={...e,error:s,fix:/INVALID|LARGE/.test(n)};this.put(o),this.#o(o)}}};var P=class{#e;#t;#s=new Map;#n={};#i=0;constructor(e){this.#e=e;let t=(s,i)=>{e.tabs.tell("sent",{entry:s,sent:i}),this.settle(s,i)};this.#t=new $(e.storage,s=>this.#r(s),t,y)}get texts(){return this.#t.waiting.map(({content:e})=>e)}send(e,t){this.#i=Math.max(Date.now(),this.#i+1);let s=crypto.getRandomValues(new Uint32Array(4)).join("-"),i=new Promise((o,r)=>{this.#s.set(s,(c,l)=>l?o(l):r(Error(c)))});i.catch(()=>{});let n=this.#e.store.messages.findLast(({seq:o})=>o)?.seq;return this.#o({...t,clientId:s,content:e,at:this.#i,after:n}),i}retry(e,t){let s=this.#t.entries.find(i=>i.clientId===e);return s&&this.#o({...s,content:t??s.content,error:void 0}),!0}remove(e){this.#t.remove(e),this.#e.store.remove(e),this.show()}heard(e){this.#e.tabs.leads&&(this.#t.put(e),this.#t.flush()),this.show()}get own(){return this.#t.entries.filter(({clientId:e})=>this.#s.has(e))}keep(e){for(let t of e)this.#t.put(t)}flush(){this.#t.flush()}stop(){this.#t.stop()}forget(){this.#s.clear()}show(){let e=this.#e,s=(e.visitor.unsure?this.own:this.#t.entries).flatMap(({at:i,error:n,...o})=>e.store.receive({...o,id:o.clientId,sender:"visitor",timestamp:new Date(i).toISOString(),status:n?"failed":"sending",error:n??(this.#n.clientId===o.clientId?this.#n.reason:void 0)}));e.show(s)}settle(e,t){let s=this.#e,{clientId:i,error:n}=e;this.#s.get(i)?.(n,t),this.#s.delete(i),t?(this.#t.remove(i),s.show(s.store.settle(i,t))):(this.#t.put(e),this.show()),s.show(s.store.release(this.texts))}#o(e){let{tabs:t}=this.#e;this.#t.put(e),this.show(),t.tell("outbox",e),t.leads&&this.#t.flush()}async#r({clientId:e,content:t,replyTo:s,attachments:i}){let{connection:n}=this.#e,o=this.#n.clientId;this.#n={},o&&this.show();try{if(await n.connect(!0),!this.#t.has(e))return;let r=i?.map(({id:c})=>c);return await n.call("POST","/message",{clientId:e,content:t,replyTo:s,attachmentIds:r})}catch(r){throw r.code==="SESSION_NOT_FOUND"&&(n.connected=!1),r.message=this.#e.explain(r),r.status===429&&(this.#n={clientId:e,reason:r.message},this.show()),r}}};function oe({onOnline:a,onOffline:e,onLeave:t,onReturn:s,onVisibility:i,onMove:n},o,r){let c=0,l=location.href,h=(m,v,x)=>m.addEventListener(v,x,{signal:r});h(window,"online",a),h(window,"offline",e),h(window,"pagehide",t),h(window,"pageshow",({persisted:m})=>m&&s()),h(document,"visibilitychange",()=>{let m=!document.hidden&&Date.now()-c>3e4;document.hidden&&(c=Date.now()),i(m)});let u=()=>{let m=location.href!==l;l=location.href,n(m)},p=()=>o.later("moved",u,1e3),{navigation:f}=window;f?h(f,"currententrychange",p):h(window,"popstate",p)}var j=class{#e;#t=0;constructor(e){this.#e=e}plan(){this.#t||=setTimeout(()=>this.#s(),300)}stop(){clearTimeout(this.#t)}async#s(){this.#t=0;let{connection:e,reading:t,store:s,tabs:i}=this.#e,n=t?"read":"delivered",r=s.unread().filter(c=>c.status!==n).map(({id:c})=>c).slice(0,500);!r.length||!e.connected||!(t||i.leads)||(await e.beacon("/read",{messageIds:r,status:n}),this.#e.apply({type:"read",data:{messageIds:r,status:n}}))}};function re(a){let e={},t={};try{localStorage[a]="",t=localStorage,delete t[a]}catch{}function s(i){delete e[a+i],delete t[a+i]}return{shared:"setItem"in t,remove:s,get(i){try{return JSON.parse(e[a+i]??t[a+i])}catch{return null}},set(i,n){let o=JSON.stringify(n);s(i);try{t[a+i]=o}catch{e[a+i]=o}},keys(i){return Object.keys({...e,...t}).filter(o=>o.startsWith(a+i)).map(o=>o.slice(a.length))}}}function ae(a,e,t,s){let{locks:i}=navigator,n=!e||!i,o,r,c={leads:!1,join(){o=new AbortController;let{signal:h}=o;if(n)return void l(h);r=new BroadcastChannel(a),r.onmessage=({data:u})=>t(u.kind,u.data),i.request(a,{signal:h},()=>l(h)).catch(()=>{})},leave(){c.leads=!1,o.abort(),r?.close(),r=void 0},tell(h,u){r?.postMessage({kind:h,data:u})},inTurn:h=>n?h():i.request(`${a}connect`,h)};function l(h){if(!h.aborted)return c.leads=!0,s(),new Promise(u=>h.onabort=u)}return c}async function ce(a,e,t,s,i,n=1/0){let{name:o,type:r,size:c}=a;if(!c)throw new g(400,{details:{size:[]}});if(c>n)throw new g(413,{most:n});let l={filename:o,size:c,mimeType:r||"application/octet-stream"},{attachmentId:h,uploadUrl:u}=await e("POST","/upload",l,i);return await new Promise((p,f)=>{let m=new XMLHttpRequest;m.open("PUT",new URL(u,t)),m.responseType="json",m.upload.onprogress=({loaded:v,total:x})=>s(v/x),m.onloadend=()=>{let{status:v,response:x}=m;v>=200&&v<300?p(v):f(new g(v,x??{}))},i.onabort=()=>m.abort(),m.send(a)}),e("POST","/upload/complete",{attachmentId:h},i)}var R=class{stored;unsure;#e;#t;#s;constructor(e,t,s){this.#e=e,this.#t=t,this.#s=s,this.stored=e.get("session")??{},this.unsure=!!this.stored.user}reload(){this.stored=this.#e.get("session")??{}}keep(e){this.stored={...this.stored,...e},this.#e.set("session",this.stored)}forget(){for(let e of this.#e.keys(""))this.#e.remove(e);this.stored={}}async ask(){let{identity:e}=this.#t;return e?{identityToken:e}:new URL(this.#s).origin!==location.origin?{}:C("GET",`${this.#s}/identity`).catch(t=>{if(t.passes&&t.status!==500)throw t;return{}})}};var Le=3e3;async function le(a,e){let t=(a.language??(document.documentElement.lang||navigator.language)).replace(/_/g,"-"),s=Y(t,a.texts);return document.body||await new Promise(i=>addEventListener("DOMContentLoaded",i)),new _(a,e,s,t)}var _=class{store=new T;timers=new D;connection=new A(this);greeting={};opened=!1;lost=!1;typist;problem;#e=new j(this);#t;#s=0;#n=Date.now();#i=new AbortController;constructor(e,t,s,i){this.config=e,this.texts=s,this.language=i,this.locale=K(i),this.emit=t,this.ended=this.#i.signal,this.endpoint=new URL(e.endpoint,location.href).href.replace(/\/$/,"");let n=`pocketping:${this.endpoint}${e.project?`#${e.project}`:""}:`;this.storage=re(n),this.visitor=new R(this.storage,e,this.endpoint),this.tabs=ae(n,this.storage.shared,(o,r)=>this.#u(o,r),()=>this.#h()),this.outgoing=new P(this),this.cover=se(this),this.#t=new S(this),document.body.append(this.#t),oe({onOnline:()=>this.connection.wake(),onOffline:()=>this.setLost(!0),onLeave:()=>this.#f(),onReturn:()=>this.#c(),onVisibility:o=>this.#d(o),onMove:o=>this.#l(o)},this.timers,this.ended),this.tabs.join(),this.outgoing.show(),(this.visitor.stored.handle||e.identity)&&this.connection.keepConnecting(),e.open&&this.open()}open(){this.opened||this.toggle()}close(){this.opened&&this.toggle()}toggle(){this.opened=!this.opened,this.opened&&!this.connection.connected&&this.connection.keepConnecting(),this.tell(this.opened?"open":"close")}sendMessage(e,t){return this.outgoing.send(e,t)}async remove({id:e,seq:t}){if(!t)return this.outgoing.remove(e);await this.#o("DELETE",`/message/${e}`)&&this.apply({type:"message_deleted",data:{messageId:e,deletedAt:"now"}})}async edit({id:e,seq:t},s){if(!t)return this.outgoing.retry(e,s);let i=await this.#o("PATCH",`/message/${e}`,{content:s});return i&&this.apply({type:"message_edited",data:{...i.message,messageId:e}}),!!i}async loadOlder(){let e=this.store.messages.find(({seq:t})=>t)?.id;return!e||!this.greeting.hasMore?!1:this.connection.read(this.#o("GET","/messages",{before:e}),({hasMore:t,messages:s})=>{this.greeting.hasMore=t,this.take(s)})}async upload(e,t,s){return await this.connection.connect(!0),ce(e,this.connection.call,this.endpoint,t,s,this.greeting.maxUploadSize)}typing(e){let t=Date.now();e!==t-this.#s<Le&&(this.#s=e?t:0,this.connection.beacon("/typing",{sender:"visitor",isTyping:e}))}async identify(e){let{visitor:t,connection:s}=this;t.keep({identity:e}),await s.settled(),s.connected&&await s.call("POST","/identify",{identity:e})}async tellContact(e){await this.connection.connect(!0),await this.connection.call("POST","/prechat",e),this.greeting.preChatForm=void 0}async rate(e){await this.connection.call("POST","/csat",e),this.greeting.csatRequestedAt=void 0}async trigger(e,t={},{widgetMessage:s}={}){s&&(this.#t.list.welcome(s),this.open()),await this.connection.connect(!0),await this.connection.call("POST","/events",{name:e,data:t})}async restart(){this.visitor.keep({handle:void 0}),this.clear(),await this.connection.keepConnecting(),this.#t.focus()}reset(){this.tabs.tell("reset"),this.visitor.forget(),this.close(),this.clear(!0)}destroy(){this.opened=!1,this.show(),this.#i.abort(),this.#f(),this.outgoing.stop(),this.#e.stop(),this.timers.stop(),this.#t.remove()}#o(...e){return this.connection.call(...e).catch(t=>this.#r("problem",this.explain(t)))}get draft(){return this.visitor.unsure?"":this.storage.get("draft")}explain(e){return ne(e,this.texts,this.locale)}pictureOf(e){let{greeting:t,config:s}=this,i=t.operatorName??s.operatorName;return e&&i&&e!==i?void 0:t.operatorAvatar??s.operatorAvatar}get reading(){return this.opened&&!document.hidden}show(e=[]){this.#t.show(e),this.#e.plan()}tell(e,...t){this.show(),this.emit(e,...t)}setLost(e){this.lost=e,this.#t.refresh()}#r(e,t){this[e]=t,this.#t.refresh(),t!==void 0&&this.timers.later(e,()=>this.#r(e),6e3)}receive(e){let{type:t,data:s}=e;if(this.connection.advance(e)){if(t==="typing"&&s.sender!=="visitor")this.#r("typist",s.isTyping?s.operatorName??"":void 0);else if(t==="event")for(let i of["*",s.name])this.emit(`event:${i}`,s);else t==="message"&&L(s)&&!this.store.get(s.id)&&(this.#r("typist"),this.greeting.aiActive=s.sender==="ai",this.emit("message",s),!this.reading&&this.tabs.leads&&this.config.sound&&this.#t.chime());this.apply(e)}}apply(e){let{type:t,data:s}=e,{greeting:i}=this;t==="presence"?i.operatorOnline=s.online:t==="ai_takeover"?i.aiActive=!0:t==="csat_request"&&(i.csatRequestedAt=s.requestedAt),this.show(this.store.apply(e,this.outgoing.texts))}take(e){this.show(e.flatMap(t=>this.store.receive(t,this.outgoing.texts)))}#h(){this.connection.listen(),this.outgoing.flush()}#u(e,t){let{visitor:s}=this;e==="frame"?this.receive(t):e==="lost"?this.setLost(t):e==="sent"?this.outgoing.settle(t.entry,t.sent):e==="outbox"?this.outgoing.heard(t):e==="reset"?(s.stored={},this.#a(),s.unsure=!1):t.handle!==s.stored.handle&&(this.storage.set("session",t),s.stored.handle&&this.clear(),this.connection.keepConnecting())}recognize(e){let{visitor:t,outgoing:s}=this,{user:i}=t.stored;if(i&&i!==e){let n=t.unsure&&this.#t.draft,o=t.unsure?s.own:[];this.tabs.tell("reset"),t.forget(),n&&this.storage.set("draft",n),s.keep(o),t.unsure=!1,this.clear(!0)}t.keep({user:e??void 0}),t.unsure&&(t.unsure=!1,this.#t.restore(),s.show())}async#p(){let{visitor:e,connection:t,config:s}=this;if(!t.connected||s.identity)return;let{user:i}=await e.ask().catch(()=>e.stored);i!==void 0&&(i??void 0)!==e.stored.user&&t.keepConnecting()}#a(){this.visitor.unsure=!0,this.outgoing.forget(),this.clear(!0)}clear(e){this.connection.hangUp(),this.connection.connected=!1,this.store=new T,Object.assign(this.greeting,{csatRequestedAt:void 0,aiActive:!1,hasMore:!1}),e&&this.#t.replaceWith(this.#t=new S(this)),this.outgoing.show()}#c(){this.tabs.join(),this.connection.wake(),this.visitor.stored.user?this.#a():this.clear()}#d(e){let{visibilityState:t,hidden:s}=document;this.connection.beacon("/visibility",{state:t,timestamp:new Date().toISOString()}),e?this.connection.wake():s||this.#p(),this.#e.plan()}#l(e){this.#t.refresh(),e&&this.connection.connected&&this.connection.keepConnecting()}#f(){let e=Date.now()-this.#n;this.tabs.leads&&this.connection.beacon("/disconnect",{duration:e,reason:"pagehide"}),this.connection.hangUp(),this.tabs.leave()}};var he=document.currentScript;"PocketPing"in window||Ce();function Ce(){let a=new Map,e,t,s=!1,i=[];function n(){s=!1,t=new Promise(p=>e=p)}function o(p,f){return a.set(p,(a.get(p)??new Set).add(f)),()=>r(p,f)}function r(p,f){a.get(p)?.delete(f)}function c(p,...f){for(let m of a.get(p)??[])queueMicrotask(()=>m(...f))}function l(p){return s||(s=!0,i=Object.entries(p).flatMap(([f,m])=>typeof m=="function"?o(f.slice(2).toLowerCase(),m):[]),e(le(p,c))),t}async function h(){if(!s)return;let p=t;i.forEach(f=>f()),n(),(await p).destroy()}n();let u={init:l,destroy:h,on:o,onEvent:(p,f)=>o(`event:${p}`,f),offEvent:(p,f)=>r(`event:${p}`,f)};for(let p of["open","close","toggle","sendMessage","identify","reset","trigger"])u[p]=async(...f)=>(await t)[p](...f);if(window.PocketPing=u,he?.dataset.endpoint){let p={...he.dataset};for(let f in p)/^(true|false|{.*)$/.test(p[f])&&(p[f]=JSON.parse(p[f]));l(p)}}})();
