/** The texts of the languages that the widget speaks: a line each, in the order of `names` in texts.js.
 * @type {Record<string, string>} */
export const languages = {
  en: `Open chat
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
This file is too large`,
  de: `Chat öffnen
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
Diese Datei ist zu groß`,
  fr: `Ouvrir le chat
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
Ce fichier est trop volumineux`,
  es: `Abrir el chat
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
Este archivo es demasiado grande`,
  ar: `فتح المحادثة
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
هذا الملف كبير جدًا`,
};
