package app

import (
	"errors"
	"strings"

	"github.com/peisear/peisear/internal/base/mail"
	"github.com/peisear/peisear/internal/base/place"
	"github.com/peisear/peisear/internal/base/secret"
)

// setSMTPURL keeps a value that is not good, so that it is not reported as missing too.
func setSMTPURL(c *Config, value string) error {
	c.SMTPURL = value
	_, err := mail.New(value, "peisear@localhost")
	return err
}

func setMailFrom(c *Config, value string) error {
	c.MailFrom = value
	_, err := mail.ParseFrom(value)
	return err
}

func setGeoIPDB(c *Config, value string) error {
	c.GeoIPDB = value
	places, err := place.Open(value)
	if err != nil {
		return err
	}
	return places.Close()
}

// halfMail is the problem of a mail server without an address, or the other way round.
func (c *Config) halfMail() error {
	switch {
	case c.SMTPURL == "" && c.MailFrom != "":
		return errors.New("SMTP_URL: is missing while MAIL_FROM is set: give both or none")
	case c.SMTPURL != "" && c.MailFrom == "":
		return errors.New("MAIL_FROM: is missing while SMTP_URL is set: give both or none")
	}
	return nil
}

// sender is how mails are sent, nil when there is no mail server.
func (c *Config) sender() (*mail.Sender, error) {
	if c.SMTPURL == "" {
		return nil, nil //nolint:nilnil // a nil sender is one
	}
	return mail.New(c.SMTPURL, c.MailFrom)
}

// places finds places, nil when there is no file of them.
func (c *Config) places() (*place.Places, error) {
	if c.GeoIPDB == "" {
		return nil, nil //nolint:nilnil // nil places are some
	}
	return place.Open(c.GeoIPDB)
}

// setFormerSecrets repeats nothing of them.
func setFormerSecrets(c *Config, value string) error {
	for line := range strings.Lines(unescape(value)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if _, err := secret.NewMaster(line); err != nil {
			return err
		}
		c.FormerSecrets = append(c.FormerSecrets, line)
	}
	return nil
}
