/** The texts of the languages that the widget speaks: a line each, in the order of `names` in texts.js.
 * @type {Record<string, string>} */
export const languages = {
  en: `Open chat
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
Usual reply time: {time}`,
  de: `Chat öffnen
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
Übliche Antwortzeit: {time}`,
  fr: `Ouvrir le chat
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
Réponse habituelle : {time}`,
  es: `Abrir el chat
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
Respuesta habitual: {time}`,
  ar: `فتح المحادثة
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
وقت الرد المعتاد: {time}`,
};
