/** The texts of the languages that the widget speaks: a line each, in the order of `names` in texts.js. Texts that are
 * alike stand together, because the bundle is compressed.
 * @type {Record<string, string>} */
export const languages = {
  en: `{count} out of 5 stars
AI assistant
Delete
Delete this message?
Message deleted
Sent
Send
Hi! How can we help?
Messages
edited
Sending
Attach a file
Delivered
Online
{name} is typing…
How can we reach you?
Write a message…
How did we do?
Edit
Try again
This file is empty
Something went wrong. Try again.
Anything you'd like to add?
Not sent
You're offline. We'll send your messages when you're back.
Support
We'll reply as soon as we can
Close chat
Reply
You
Cancel
This file is too large
You're going too fast. Continue at {time}.
Phone (+1 …)
Continue
Thank you!
Email
Files can be up to {size}.
Enter an email address or a phone number.
Enter a valid email address.
Include the country code, for example +49 30 123456.
Reload the page to continue.
Read
Not now
Conversation closed
New messages
Conversation reopened
New conversation
Open chat
Usual reply time: {time}
AI
Up to 10 files per message. The rest weren't added.`,
  de: `{count} von 5 Sternen
KI-Assistent
Löschen
Diese Nachricht löschen?
Nachricht gelöscht
Gesendet
Senden
Hallo! Wie können wir helfen?
Nachrichten
bearbeitet
Wird gesendet
Datei anhängen
Zugestellt
Online
{name} schreibt …
Wie können wir Sie erreichen?
Nachricht schreiben …
Wie waren wir?
Bearbeiten
Nochmal versuchen
Diese Datei ist leer
Etwas ist schiefgelaufen. Versuchen Sie es noch einmal.
Möchten Sie etwas ergänzen?
Nicht gesendet
Sie sind offline. Wir senden Ihre Nachrichten, sobald Sie wieder online sind.
Support
Wir antworten Ihnen so schnell wie möglich
Chat schließen
Antworten
Sie
Abbrechen
Diese Datei ist zu groß
Das war zu schnell. Weiter um {time}.
Telefon (+49 …)
Weiter
Vielen Dank!
E-Mail
Höchstens {size} je Datei.
Geben Sie eine E-Mail-Adresse oder eine Telefonnummer ein.
Geben Sie eine gültige E-Mail-Adresse ein.
Geben Sie die Ländervorwahl mit an, zum Beispiel +49 30 123456.
Laden Sie die Seite neu, um fortzufahren.
Gelesen
Nicht jetzt
Unterhaltung beendet
Neue Nachrichten
Unterhaltung fortgesetzt
Neue Unterhaltung
Chat öffnen
Übliche Antwortzeit: {time}
KI
Höchstens 10 Dateien je Nachricht. Die übrigen wurden nicht hinzugefügt.`,
  fr: `Note de {count} sur 5
Assistant IA
Supprimer
Supprimer ce message ?
Message supprimé
Envoyé
Envoyer
Bonjour ! Comment pouvons-nous vous aider ?
Messages
modifié
Envoi en cours
Joindre un fichier
Reçu
En ligne
{name} écrit…
Comment pouvons-nous vous joindre ?
Écrire un message…
Comment s’est passé cet échange ?
Modifier
Réessayer
Ce fichier est vide
Une erreur est survenue. Veuillez réessayer.
Souhaitez-vous ajouter quelque chose ?
Non envoyé
Vous êtes hors ligne. Vos messages seront envoyés à votre retour en ligne.
Assistance
Nous vous répondrons dès que possible
Fermer le chat
Répondre
Vous
Annuler
Ce fichier est trop volumineux
C’est trop rapide. Continuez à {time}.
Téléphone (+33 …)
Continuer
Merci !
E-mail
{size} maximum par fichier.
Saisissez une adresse e-mail ou un numéro de téléphone.
Saisissez une adresse e-mail valide.
Indiquez l’indicatif du pays, par exemple +33 1 23 45 67 89.
Rechargez la page pour continuer.
Lu
Pas maintenant
Conversation terminée
Nouveaux messages
Conversation rouverte
Nouvelle conversation
Ouvrir le chat
Réponse habituelle : {time}
IA
10 fichiers au plus par message. Les autres n'ont pas été ajoutés.`,
  es: `{count} de 5 estrellas
Asistente de IA
Eliminar
¿Eliminar este mensaje?
Mensaje eliminado
Enviado
Enviar
¡Hola! ¿Cómo podemos ayudarle?
Mensajes
editado
Enviando
Adjuntar un archivo
Entregado
En línea
{name} está escribiendo…
¿Cómo podemos contactarle?
Escriba un mensaje…
¿Qué tal lo hicimos?
Editar
Reintentar
Este archivo está vacío
Algo salió mal. Inténtelo de nuevo.
¿Quiere añadir algo?
No enviado
No tiene conexión. Enviaremos sus mensajes cuando vuelva a conectarse.
Atención al cliente
Responderemos lo antes posible
Cerrar el chat
Responder
Usted
Cancelar
Este archivo es demasiado grande
Va demasiado rápido. Continúe a las {time}.
Teléfono (+34 …)
Continuar
¡Gracias!
Correo electrónico
Máximo {size} por archivo.
Introduzca un correo electrónico o un número de teléfono.
Introduzca una dirección de correo válida.
Incluya el prefijo del país, por ejemplo +34 912 345 678.
Recargue la página para continuar.
Leído
Ahora no
Conversación cerrada
Mensajes nuevos
Conversación reabierta
Nueva conversación
Abrir el chat
Respuesta habitual: {time}
IA
Hasta 10 archivos por mensaje. Los demás no se añadieron.`,
  ar: `{count} من 5 نجوم
مساعد ذكي
حذف
هل تريد حذف هذه الرسالة؟
حُذفت الرسالة
أُرسلت
إرسال
مرحبًا! كيف نساعدك؟
الرسائل
معدلة
جارٍ الإرسال
إرفاق ملف
وصلت
متصل
{name} يكتب…
كيف نتواصل معك؟
اكتب رسالة…
كيف كانت خدمتنا؟
تعديل
إعادة المحاولة
هذا الملف فارغ
حدث خطأ ما. حاول مرة أخرى.
هل تود إضافة شيء؟
لم تُرسل
أنت غير متصل بالإنترنت. سنرسل رسائلك عند عودة الاتصال.
الدعم
سنرد عليك في أقرب وقت
إغلاق المحادثة
رد
أنت
إلغاء
هذا الملف كبير جدًا
هذا سريع جدًا. متابعة في {time}.
الهاتف (‎+966 …)
متابعة
شكرًا لك!
البريد الإلكتروني
الحد الأقصى للملف {size}.
أدخل بريدًا إلكترونيًا أو رقم هاتف.
أدخل بريدًا إلكترونيًا صالحًا.
أضف رمز الدولة، مثل ‎+966 11 123 4567.
أعد تحميل الصفحة للمتابعة.
قُرئت
ليس الآن
أُغلقت المحادثة
رسائل جديدة
أُعيد فتح المحادثة
محادثة جديدة
فتح المحادثة
وقت الرد المعتاد: {time}
ذكاء اصطناعي
حتى 10 ملفات لكل رسالة. لم تُضف البقية.`,
};
