// Package mailtest is a mail server for tests: a real one, on loopback, whose mails
// the test reads.
//
//	server := mailtest.Start(t)
//	sender := server.Sender(t)
//	… send …
//	got := server.Next(t)
package mailtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/peisear/peisear/internal/base/mail"
)

// patience is how long Next waits.
const patience = 20 * time.Second

// From is the address that Sender sends from.
const From = "Peisear <peisear@example.org>"

// Mail is one that has arrived.
type Mail struct {
	From, To string // of the envelope
	Header   netmail.Header
	Text     string
	TLS      bool   // the connection was encrypted
	User     string // who signed in; "" for nobody
}

// Server is a mail server. Its fields are set before Start by the options.
type Server struct {
	Address string // host:port
	CAFile  string // the certificate to trust; "" without TLS

	user, password string
	tls            bool
	implicit       bool
	refused        string
	mails          chan Mail
}

// Option changes what the server does.
type Option func(*Server)

// TLS lets the server offer STARTTLS, with a certificate of its own making.
func TLS(s *Server) { s.tls = true }

// ImplicitTLS makes the server speak TLS from the start.
func ImplicitTLS(s *Server) { s.tls, s.implicit = true, true }

// Auth makes the server ask for a password.
func Auth(user, password string) Option {
	return func(s *Server) { s.user, s.password = user, password }
}

// Refuse makes the server refuse an address.
func Refuse(address string) Option { return func(s *Server) { s.refused = address } }

// Start starts a server that ends with the test.
func Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	s := &Server{mails: make(chan Mail, 1000)}
	for _, option := range options {
		option(s)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, conn: c}, nil
	}))
	server.Domain, server.EnableSMTPUTF8, server.AllowInsecureAuth = "localhost", true, true
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Address = l.Addr().String()
	if s.tls {
		server.TLSConfig = s.certify(t)
	}
	if s.implicit {
		l = tls.NewListener(l, server.TLSConfig)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // ends with Close
	}()
	t.Cleanup(func() {
		_ = l.Close() // the server knows it only once it serves
		_ = server.Close()
		<-done
	})
	return s
}

// URL is how the server is reached, as SMTP_URL says it.
func (s *Server) URL() string {
	scheme, user, query := "smtp://", "", "?starttls=off"
	if s.implicit {
		scheme = "smtps://"
	}
	if s.user != "" {
		user = s.user + ":" + s.password + "@"
	}
	if s.tls {
		query = "?ca=" + s.CAFile
	}
	return scheme + user + s.Address + query
}

// Sender sends through the server.
func (s *Server) Sender(t testing.TB) *mail.Sender {
	t.Helper()
	sender, err := mail.New(s.URL(), From)
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

// Next waits for the next mail.
func (s *Server) Next(t testing.TB) Mail {
	t.Helper()
	select {
	case m := <-s.mails:
		return m
	case <-time.After(patience):
		t.Fatal("no mail came")
		return Mail{}
	}
}

// Waiting is how many mails have come that Next has not returned.
func (s *Server) Waiting() int { return len(s.mails) }

// certify makes a certificate that its own file vouches for.
func (s *Server) certify(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mailtest"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	s.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(s.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

// session is what a client does on one connection.
type session struct {
	server *Server
	conn   *smtp.Conn
	mail   Mail
	user   string
}

func (s *session) AuthMechanisms() []string {
	if s.server.user == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.server.user || password != s.server.password {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.user != s.user {
		return smtp.ErrAuthRequired
	}
	s.mail = Mail{From: from, User: s.user}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if to == s.server.refused {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user here"}
	}
	s.mail.To = to
	return nil
}

func (s *session) Data(r io.Reader) error {
	message, err := netmail.ReadMessage(r)
	if err != nil {
		return err
	}
	body, err := decoded(message)
	if err != nil {
		return err
	}
	s.mail.Header, s.mail.Text = message.Header, strings.ReplaceAll(body, "\r\n", "\n")
	_, s.mail.TLS = s.conn.TLSConnectionState()
	s.server.mails <- s.mail
	return nil
}

func (s *session) Reset()        { s.mail = Mail{} }
func (s *session) Logout() error { return nil }

// decoded is a message's text as it is read.
func decoded(m *netmail.Message) (string, error) {
	r := m.Body
	switch strings.ToLower(m.Header.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	}
	text, err := io.ReadAll(r)
	return string(text), err
}

// Subject is the mail's, as it is read.
func (m Mail) Subject() string {
	text, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return err.Error()
	}
	return text
}
