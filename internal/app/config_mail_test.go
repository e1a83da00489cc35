package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMailIsConfigured(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "smtp-url")
	if err := os.WriteFile(file, []byte("smtps://peisear:s3cret@mail.example.org\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env  map[string]string
		says []string // nothing: it is good
	}{
		"no mail":      {nil, nil},
		"both":         {map[string]string{"SMTP_URL": "smtp://mail.example.org", "MAIL_FROM": "Peisear <peisear@example.org>"}, nil},
		"in a file":    {map[string]string{"SMTP_URL_FILE": file, "MAIL_FROM": "peisear@example.org"}, nil},
		"no address":   {map[string]string{"SMTP_URL": "smtp://mail.example.org"}, []string{"MAIL_FROM"}},
		"no server":    {map[string]string{"MAIL_FROM": "peisear@example.org"}, []string{"SMTP_URL"}},
		"bad server":   {map[string]string{"SMTP_URL": "mail.example.org:s3cret", "MAIL_FROM": "peisear@example.org"}, []string{"SMTP_URL"}},
		"bad address":  {map[string]string{"SMTP_URL": "smtp://mail.example.org", "MAIL_FROM": "peisear"}, []string{"MAIL_FROM"}},
		"both bad":     {map[string]string{"SMTP_URL": "x", "MAIL_FROM": "x"}, []string{"SMTP_URL", "MAIL_FROM"}},
		"a bad secret": {map[string]string{"COOKIE_SECRET_OLD": strings.Repeat("x", 32) + "\nshort"}, []string{"COOKIE_SECRET_OLD"}},
		"no places":    {map[string]string{"GEOIP_DB": file}, []string{"GEOIP_DB"}},
	} {
		config, err := ReadConfig(from(c.env), "")
		if err == nil != (c.says == nil) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err != nil {
			lines := strings.Split(err.Error(), "\n")
			for i, line := range lines {
				if len(lines) != len(c.says) || !strings.HasPrefix(line, c.says[i]+": ") || strings.Contains(line, "s3cret") {
					t.Errorf("%s: %v", name, err)
				}
			}
			continue
		}
		sender, err := config.sender()
		if err != nil || sender.On() != (name != "no mail") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFormerSecrets(t *testing.T) {
	t.Parallel()
	one, two := strings.Repeat("1", 32), strings.Repeat("2,", 16)
	for _, value := range []string{one + "\n" + two, one + `\n` + two + `\n`, `"` + one + `\n\n` + two + `"`, " " + one + " \r\n" + two} {
		c, err := ReadConfig(from(map[string]string{"COOKIE_SECRET": strings.Repeat("0", 32), "COOKIE_SECRET_OLD": value}), "")
		if err != nil || len(c.FormerSecrets) != 2 || c.FormerSecrets[0] != one || c.FormerSecrets[1] != two {
			t.Errorf("%q: %q, %v", value, c.FormerSecrets, err)
		}
	}
}
