package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// server is where mails are handed in, and how.
type server struct {
	host           string
	port           int
	user, password string
	ssl            bool           // TLS from the start
	starttls       mail.TLSPolicy // otherwise
	roots          *x509.CertPool // nil for the system's
}

const (
	submissionPort  = 587
	submissionsPort = 465
)

var errNoURL = errors.New("is not a URL like smtp://user:password@mail.example.org:587")

// parseServer reads a server's URL. No error repeats it: it may hold a password.
func parseServer(text string) (s server, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.Fragment != "" {
		return s, errNoURL
	}
	ports := map[string]int{"smtp": submissionPort, "smtps": submissionsPort}
	s = server{host: u.Hostname(), ssl: u.Scheme == "smtps", port: ports[u.Scheme], user: u.User.Username()}
	if s.password, _ = u.User.Password(); s.port == 0 {
		return s, errNoURL
	}
	if u.Port() != "" {
		port, err := strconv.ParseUint(u.Port(), 10, 16)
		if s.port = int(port); err != nil || port == 0 {
			return s, errors.New("has no such port")
		}
	}
	asked, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return s, errNoURL
	}
	for name, values := range asked {
		if err := s.set(name, values[len(values)-1]); err != nil {
			return s, err
		}
	}
	return s, s.tellsNoPassword()
}

// tellsNoPassword refuses a server to whom the password would go for all to read.
func (s *server) tellsNoPassword() error {
	if s.user == "" || s.ssl || s.starttls != mail.NoTLS || loopback(s.host) {
		return nil
	}
	return errors.New("would send the password unencrypted: starttls=off is for a server on this machine, or without a password")
}

func (s *server) set(name, value string) (err error) {
	switch name {
	case "ca":
		s.roots, err = readRoots(value)
		return err
	case "starttls":
		policies := map[string]mail.TLSPolicy{"required": mail.TLSMandatory, "optional": mail.TLSOpportunistic, "off": mail.NoTLS}
		policy, ok := policies[value]
		if s.starttls = policy; !ok || s.ssl {
			return errors.New("starttls is required, optional or off, with smtp://")
		}
		return nil
	}
	return errors.New("knows only starttls and ca after the question mark")
}

func readRoots(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the file of certificates: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("there is no certificate in %s", path)
	}
	return roots, nil
}

// loopback reports whether the library, too, tells the host a password unencrypted.
func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

func (s server) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}
}

// connect opens a connection that is ready to take mails. It ends with ctx: the
// library's own deadlines begin anew with every answer, so that a slow server could
// hold it open. Call end when done with it, also after an error.
func (s server) connect(ctx context.Context, hello string) (c *mail.Client, line *smtp.Client, end func(), err error) {
	end = func() {}
	dial := func(dialing context.Context, network, address string) (net.Conn, error) {
		raw, err := new(net.Dialer).DialContext(dialing, network, address)
		if err != nil {
			return nil, err
		}
		stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
		end = func() {
			stop()
			_ = raw.Close()
		}
		if !s.ssl {
			return raw, nil
		}
		conn := tls.Client(raw, s.tlsConfig())
		return conn, conn.HandshakeContext(dialing)
	}
	if c, err = mail.NewClient(s.host, append(s.options(), mail.WithHELO(hello), mail.WithDialContextFunc(dial))...); err != nil {
		return nil, nil, end, err
	}
	line, err = c.DialToSMTPClientWithContext(ctx)
	return c, line, end, err
}

func (s server) options() []mail.Option {
	policy := s.starttls
	if s.ssl {
		policy = mail.NoTLS // dial has seen to it
	}
	all := []mail.Option{
		mail.WithPort(s.port), mail.WithTimeout(timeout), mail.WithoutNoop(),
		mail.WithTLSConfig(s.tlsConfig()), mail.WithTLSPolicy(policy),
	}
	if s.user != "" { // none of these tells the password to a server that is not encrypted
		all = append(all, mail.WithUsername(s.user), mail.WithPassword(s.password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	return all
}
