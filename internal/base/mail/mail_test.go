package mail_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/mail"
	"github.com/peisear/peisear/internal/base/mail/mailtest"
)

func TestMain(m *testing.M) { basetest.Main(m) }

func hello() mail.Message {
	return mail.Message{
		To: "ann@example.org", Subject: "Grüße 👋",
		Text: "Hello Ann,\n\n.a line that begins with a dot\nhttps://tracker.example.org/reset#code=" + strings.Repeat("x", 200) + "\n",
	}
}

func TestMailArrivesAsItWasWritten(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]mailtest.Option{
		"plain":                 nil,
		"STARTTLS":              {mailtest.TLS},
		"TLS from the start":    {mailtest.ImplicitTLS},
		"a password":            {mailtest.Auth("peisear", "s3cret")},
		"a password, STARTTLS":  {mailtest.TLS, mailtest.Auth("peisear", "s3cret")},
		"a password, all of it": {mailtest.ImplicitTLS, mailtest.Auth("peisear", "s3cret")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := mailtest.Start(t, options...)
			sent := hello()
			if err := server.Sender(t).Send(t.Context(), sent); err != nil {
				t.Fatal(err)
			}
			got := server.Next(t)
			if got.To != sent.To || got.From != "peisear@example.org" || got.Subject() != sent.Subject || got.Text != sent.Text {
				t.Errorf("%+v", got)
			}
			if got.TLS != strings.Contains(name, "TLS") && name != "a password, all of it" || (got.User != "") != strings.Contains(name, "password") {
				t.Errorf("encrypted: %t, user %q", got.TLS, got.User)
			}
			for header, want := range map[string]string{
				"From": `"Peisear" <peisear@example.org>`, "To": "<ann@example.org>",
				"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", "User-Agent": "", "X-Mailer": "", "Bcc": "",
			} {
				if value := got.Header.Get(header); value != want {
					t.Errorf("%s: %q", header, value)
				}
			}
			if id := got.Header.Get("Message-Id"); !strings.HasSuffix(id, "@example.org>") {
				t.Errorf("the message's id tells the machine's name: %s", id)
			}
			if _, err := got.Header.Date(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestNoWayToAddAHeader: what a user can choose is the address and part of the texts.
func TestNoWayToAddAHeader(t *testing.T) {
	t.Parallel()
	server := mailtest.Start(t)
	sender := server.Sender(t)
	for _, m := range []mail.Message{
		{To: "ann@example.org\r\nBcc: eve@example.org", Subject: "x"},
		{To: "ann@example.org\nBcc: eve@example.org", Subject: "x"},
		{To: "ann@example.org, eve@example.org", Subject: "x"},
		{To: "Ann <ann@example.org>", Subject: "x"},
		{To: "ann@example.org>\r\nDATA", Subject: "x"},
		{To: "\"ann\r\n\"@example.org", Subject: "x"},
		{To: "", Subject: "x"},
		{To: "ann@example.org", Subject: "x\r\nBcc: eve@example.org"},
		{To: "ann@example.org", Subject: "x\nBcc: eve@example.org"},
		{To: "ann@example.org", Subject: "x\rBcc: eve@example.org"},
		{To: "ann@example.org", Subject: "x\x00"},
		{To: "ann@example.org", Subject: "\xff"},
		{To: "ann@example.org", Subject: ""},
	} {
		if err := sender.Send(t.Context(), m); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: %v", m, err)
		}
	}
	body := mail.Message{To: "ann@example.org", Subject: "x", Text: "a\r\n.\r\nMAIL FROM:<eve@example.org>\r\n\r\nBcc: eve@example.org\n"}
	if err := sender.Send(t.Context(), body); err != nil {
		t.Fatal(err)
	}
	if got := server.Next(t); got.Text != strings.ReplaceAll(body.Text, "\r\n", "\n") || got.Header.Get("Bcc") != "" || server.Waiting() != 0 {
		t.Errorf("%+v, %d more", got, server.Waiting())
	}
}

func TestWhatTheServerRefuses(t *testing.T) {
	t.Parallel()
	encrypted, asking := mailtest.Start(t, mailtest.TLS), mailtest.Start(t, mailtest.Auth("peisear", "s3cret"))
	plain := mailtest.Start(t, mailtest.Refuse("nobody@example.org"))
	for name, c := range map[string]struct{ url, to, says string }{
		"another certificate": {"smtp://" + encrypted.Address, "", "certificate"},
		"no STARTTLS":         {"smtp://" + plain.Address, "", "STARTTLS"},
		"no TLS":              {"smtps://" + plain.Address, "", "did not take"},
		"a wrong password":    {"smtp://peisear:wrong@" + asking.Address + "?starttls=off", "", "password"},
		"no password":         {"smtp://" + asking.Address + "?starttls=off", "", "did not take"},
		"a password unasked":  {"smtp://peisear:s3cret@" + plain.Address + "?starttls=off", "", "did not take"},
		"an unknown address":  {plain.URL(), "nobody@example.org", "address"},
		"nobody there":        {"smtp://" + basetest.Address(t) + "?starttls=off", "", "reached"},
	} {
		sender, err := mail.New(c.url, mailtest.From)
		if err != nil {
			t.Fatal(err)
		}
		m := hello()
		if c.to != "" {
			m.To = c.to
		}
		err = sender.Send(t.Context(), m)
		if !errs.Is(err, errs.Unavailable) || errs.Of(err).Code != mail.Code || !strings.Contains(errs.Of(err).Message, c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(errs.Of(err).Message, "127.0.0.1") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: tells too much: %v", name, err)
		}
	}
	if n := encrypted.Waiting() + asking.Waiting() + plain.Waiting(); n != 0 {
		t.Errorf("%d mails came", n)
	}
	off := (*mail.Sender)(nil)
	if err := off.Send(t.Context(), hello()); !errs.Is(err, errs.Unavailable) || errs.Of(err).Code != mail.Code || off.On() {
		t.Errorf("without a server: %v", err)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestSlowServersAreLeft: one says nothing at all, one says a line again and again and
// never comes to the point. Both are left when the context ends.
func TestSlowServersAreLeft(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{"says nothing": "", "never ends": "220-wait\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := listen(t)
			var wg sync.WaitGroup
			closed := make(chan struct{})
			wg.Go(func() {
				defer close(closed)
				conn, err := l.Accept()
				if err != nil {
					t.Error(err)
					return
				}
				drip(conn, says)
			})
			sender, err := mail.New("smtp://"+l.Addr().String(), mailtest.From)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			err = sender.Send(ctx, hello())
			if !errs.Is(err, errs.Unavailable) || !strings.Contains(errs.Of(err).Message, "in time") {
				t.Error(err)
			}
			<-closed // the connection was not left open
			wg.Wait()
			_ = l.Close()
		})
	}
}

// drip writes a text again and again until the other side has gone.
func drip(conn net.Conn, says string) {
	gone := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, conn)
		close(gone)
	}()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-gone:
			_ = conn.Close()
			return
		case <-ticker.C:
			_, _ = io.WriteString(conn, says)
		}
	}
}

func TestServerURLs(t *testing.T) {
	t.Parallel()
	for url, says := range map[string]string{
		"smtp://mail.example.org":                                       "",
		"smtp://mail.example.org:25/?starttls=optional":                 "",
		"smtps://user:p%40ss@mail.example.org":                          "",
		"smtp://user:pass@localhost?starttls=off":                       "",
		"smtp://mail.example.org?starttls=off":                          "",
		"":                                                              "is not a URL",
		"mail.example.org:25":                                           "is not a URL",
		"http://mail.example.org":                                       "is not a URL",
		"smtp://":                                                       "is not a URL",
		"smtp://mail.example.org/path":                                  "is not a URL",
		"smtp://mail.example.org#x":                                     "is not a URL",
		"smtp://s3cret@mail.example.org:port":                           "is not a URL",
		"smtp://mail.example.org:0":                                     "no such port",
		"smtp://mail.example.org:65536":                                 "no such port",
		"smtp://mail.example.org?starttls=maybe":                        "starttls is",
		"smtps://mail.example.org?starttls=off":                         "starttls is",
		"smtp://mail.example.org?insecure=1":                            "knows only",
		"smtp://mail.example.org?ca=/nowhere/at/all":                    "cannot read",
		"smtp://user:s3cret@mail.example.org?starttls=off":              "unencrypted",
		"smtp://user:s3cret@192.0.2.1?starttls=off":                     "unencrypted",
		"smtp://user:s3cret@mail.example.org?starttls=off&ca=/dev/null": "no certificate",
	} {
		_, err := mail.New(url, mailtest.From)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("shows a password: %v", err)
		}
	}
	for _, from := range []string{"", "Peisear", "a@b.org, c@d.org", "a@b.org\r\nBcc: c@d.org", "Peisear <a@b.org"} {
		if _, err := mail.New("smtp://mail.example.org", from); err == nil {
			t.Errorf("from %q is accepted", from)
		}
	}
}
