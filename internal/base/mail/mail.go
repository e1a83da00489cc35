// Package mail sends mail through an SMTP server, one message at a time and while the
// caller waits: whoever must not wait has a goroutine of their own for it.
//
//	sender, err := mail.New("smtp://user:password@mail.example.org", "Peisear <peisear@example.org>")
//	err = sender.Send(ctx, mail.Message{To: address, Subject: "Your new password", Text: text})
//
// A nil Sender is a server without mail. Sending belongs outside of transactions.
package mail

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"net"
	netmail "net/mail"
	"net/textproto"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/wneessen/go-mail"

	"github.com/peisear/peisear/internal/base/errs"
)

// timeout bounds the sending of one message, whatever the server does.
const timeout = 20 * time.Second

// Code is what a client knows every error of this package by.
const Code = "mail"

// ErrOff is the answer of a server that sends no mail.
var ErrOff = &errs.Error{
	Kind: errs.Unavailable, Code: Code,
	Message: "this server sends no mail: whoever runs it can set SMTP_URL and MAIL_FROM",
}

// Message is a mail to one person, as plain text.
type Message struct {
	To      string // the address alone
	Subject string // one line
	Text    string
}

// Sender sends mail through one server. It is safe for concurrent use.
type Sender struct {
	server server
	from   *netmail.Address
}

// New returns the sender of a server's URL, with the address that mails are from.
// The URL is smtp://user:password@host:port for STARTTLS, which ?starttls=optional
// or ?starttls=off loosen, or smtps://… for TLS from the start; ?ca=/path names a
// file of certificates to trust instead of the system's. No error repeats the URL.
func New(url, from string) (*Sender, error) {
	address, err := ParseFrom(from)
	if err != nil {
		return nil, err
	}
	s, err := parseServer(url)
	return &Sender{s, address}, err
}

// ParseFrom reads the address that mails are from, with a name or without.
func ParseFrom(from string) (*netmail.Address, error) {
	address, err := netmail.ParseAddress(from)
	if err != nil || !oneLine(from) || !strings.Contains(address.Address, "@") {
		return nil, errors.New("is not an address like Peisear <peisear@example.org>")
	}
	return address, nil
}

// On reports whether there is a server to send with.
func (s *Sender) On() bool { return s != nil }

// Send hands a message to the mail server, which takes at most 20 seconds. Invalid:
// the address or the subject is none. Unavailable, with the code mail: the server
// did not take it, or there is none.
func (s *Sender) Send(ctx context.Context, m Message) (err error) {
	defer errs.Wrap(&err, "mail.Send")
	if !s.On() {
		return ErrOff
	}
	message, err := s.message(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client, line, end, err := s.server.connect(ctx, domain(s.from))
	defer end()
	if err != nil {
		return refusal(ctx, err)
	}
	err = client.SendWithSMTPClient(line, message)
	if message.IsDelivered() { // whatever the server says to our goodbye
		_ = client.CloseWithSMTPClient(line)
		return nil
	}
	return refusal(ctx, err)
}

func (s *Sender) message(m Message) (*mail.Msg, error) {
	to, err := netmail.ParseAddress(m.To)
	if err != nil || to.Address != m.To || !oneLine(m.To) {
		return nil, errs.Field("body.email", "this is not an e-mail address")
	}
	if !oneLine(m.Subject) || m.Subject == "" {
		return nil, errs.New(errs.Invalid, "a mail's subject is one line of text")
	}
	message := mail.NewMsg(mail.WithNoDefaultUserAgent())
	message.FromMailAddress(s.from)
	message.ToMailAddress(&netmail.Address{Address: to.Address})
	message.Subject(m.Subject)
	message.SetDate()
	message.SetMessageIDWithValue(strings.ToLower(rand.Text()) + "@" + domain(s.from))
	// Holiday notices and mailing lists do not answer what a program sent.
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetGenHeader("X-Auto-Response-Suppress", "All")
	message.SetBodyString(mail.TypeTextPlain, m.Text)
	return message, nil
}

// oneLine reports whether a text cannot become more than one header.
func oneLine(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

func domain(a *netmail.Address) string { return a.Address[strings.LastIndexByte(a.Address, '@')+1:] }

// refusal says in plain words what the mail server did; its own text goes to the log.
func refusal(ctx context.Context, err error) error {
	message := "the mail server did not take the mail"
	reply, _ := errors.AsType[*textproto.Error](err)
	sending, _ := errors.AsType[*mail.SendError](err)
	timedOut, _ := errors.AsType[net.Error](err)
	_, badCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	dialing, isDialing := errors.AsType[*net.OpError](err)
	switch {
	case ctx.Err() != nil, timedOut != nil && timedOut.Timeout():
		message = "the mail server does not answer in time"
	case badCertificate:
		message = "the mail server's certificate is not to be trusted"
	case isDialing && dialing.Op == "dial":
		message = "the mail server cannot be reached"
	case strings.Contains(err.Error(), "STARTTLS"):
		message = "the mail server offers no encryption (STARTTLS)"
	case reply != nil && (reply.Code == 535 || reply.Code == 534 || reply.Code == 530):
		message = "the mail server refuses the user name or the password"
	case sending != nil && sending.Reason == mail.ErrSMTPRcptTo && !sending.IsTemp():
		message = "the mail server refuses the address"
	}
	return &errs.Error{Kind: errs.Unavailable, Code: Code, Message: message, Cause: err}
}
