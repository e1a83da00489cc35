package account_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
)

func (n *node) login(t *testing.T, ip, email, secret string) error {
	t.Helper()
	_, err := n.Login(t.Context(), account.Device{IP: netip.MustParseAddr(ip)}, email, secret)
	return err
}

func TestLogin(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.Admin)
		s, err := n.Login(t.Context(), home, " ANN@example.org", password)
		if err != nil || s.User.Email != "ann@example.org" || s.User.Role != account.Admin || s.AccessToken == "" || s.Refresh == "" {
			t.Errorf("%+v, %v", s, err)
		}
		if by := actor(t, n, s); by.ID != s.User.ID || by.Role != account.Admin || by.Session == "" {
			t.Errorf("actor %+v", by)
		}
	})
}

// TestLoginTellsNothing: whether an account exists shows neither in the words nor
// in the work.
func TestLoginTellsNothing(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		s := n.signUp(t, "gone", account.User)
		n.signUp(t, "admin", account.Admin)
		if _, err := n.SetDisabled(t.Context(), account.Operator(), s.User.ID, true); err != nil {
			t.Fatal(err)
		}
		n.exec(t, "UPDATE users SET password_hash = NULL WHERE email = 'admin@example.org'")
		answers := map[string]bool{}
		for _, body := range []string{
			`{"email":"ann@example.org","password":"wrong password"}`,
			`{"email":"nobody@example.org","password":"correct horse"}`,
			`{"email":"gone@example.org","password":"correct horse"}`,
			`{"email":"admin@example.org","password":"correct horse"}`,
			`{"email":"ann@example.org","password":""}`,
		} {
			hashes := n.Hashes()
			answer := n.send(t, http.MethodPost, "/api/auth/login", nil, body)
			text, err := io.ReadAll(answer.Body)
			if err != nil || answer.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: %d %s", body, answer.StatusCode, text)
			}
			if len(answer.Cookies()) != 0 {
				t.Errorf("%s: sets %v", body, answer.Cookies())
			}
			answers[string(text)] = true
			if more := n.Hashes() - hashes; more != 1 {
				t.Errorf("%s: %d hashes", body, more)
			}
		}
		if len(answers) != 1 {
			t.Errorf("several answers: %v", answers)
		}
	})
}

// TestLoginTakesAsLong: whether an account exists does not show in the time either. The
// medians of 200 refused logins of each kind, in one random row so that whatever else
// the machine does meets both alike, are within a tenth of each other; a machine that
// was busy has some more rounds, a difference that is real shows in all of them.
func TestLoginTakesAsLong(t *testing.T) {
	const count, rounds = 200, 8
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		emails := slices.Repeat([]string{"ann@example.org", "nobody@example.org"}, count)
		random := rand.New(rand.NewPCG(5, 6))
		var seen []string
		for range rounds {
			random.Shuffle(len(emails), func(i, j int) { emails[i], emails[j] = emails[j], emails[i] })
			took := map[string][]time.Duration{}
			for _, email := range emails {
				n.clock.pass(time.Minute) // no pause, no limit
				start := time.Now()
				err := n.login(t, "192.0.2.1", email, "wrong password")
				took[email] = append(took[email], time.Since(start))
				wantKind(t, email, err, errs.Unauthorized)
			}
			known, unknown := median(took["ann@example.org"]), median(took["nobody@example.org"])
			if ratio := float64(known) / float64(unknown); ratio > 0.9 && ratio < 1/0.9 {
				return
			}
			seen = append(seen, fmt.Sprintf("%v and %v", known, unknown))
		}
		t.Errorf("a known and an unknown address took %s", strings.Join(seen, ", "))
	}, func(s *account.Settings) { s.Passwords = account.Argon2{Memory: 4096, Time: 1, Threads: 1} }) // milliseconds, far beyond all else
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// TestALoginAgainstAnOldPassword: one that is compared just before another is set must
// not begin a session after it. A new hash of the same password is none.
func TestALoginAgainstAnOldPassword(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		n.signUp(t, "bob", account.User)
		same := n.text(t, "SELECT password_hash FROM users WHERE email = 'bob@example.org'")
		const another = "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		for hash, good := range map[string]bool{same: true, another: false} {
			racing := newNode(t, n.db)
			racing.whileHashing(t, func() { n.exec(t, "UPDATE users SET password_hash = $1 WHERE email = 'ann@example.org'", hash) })
			before := n.count(t, "session", "1 = 1")
			err := racing.login(t, "192.0.2.1", "ann@example.org", password)
			if begun := n.count(t, "session", "1 = 1") > before; begun != good || (err == nil) != good {
				t.Errorf("%t: %t, %v", good, begun, err)
			}
			n.exec(t, "UPDATE users SET password_hash = $1 WHERE email = 'ann@example.org'", same)
		}
	})
}

// whileHashing does something once, when the node hashes its next password.
func (n *node) whileHashing(t *testing.T, do func()) {
	t.Helper()
	before := n.Hashes()
	n.clock.onNow(func() bool {
		if n.Hashes() == before {
			return false
		}
		do()
		return true
	})
}

func TestPasswordsAreKeptAsArgon2id(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		kept := n.text(t, "SELECT password_hash FROM users")
		if !strings.HasPrefix(kept, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("kept as %s", kept)
		}
		if err := n.login(t, "192.0.2.1", "ann@example.org", password); err != nil {
			t.Error(err)
		}
	}, func(s *account.Settings) { s.Passwords = account.StandardArgon2() })
}

func TestHashIsRenewedWhenTheCostRises(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		dearer := newNode(t, n.db, func(s *account.Settings) { s.Passwords.Memory *= 2 })
		for _, node := range []*node{n, dearer, n} { // the cheaper node leaves it alone
			if err := node.login(t, "192.0.2.1", "ann@example.org", password); err != nil {
				t.Fatal(err)
			}
		}
		if kept := n.text(t, "SELECT password_hash FROM users"); !strings.Contains(kept, "m=128,") {
			t.Errorf("kept as %s", kept)
		}
	})
}

func TestADamagedHashLetsNobodyIn(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		n.exec(t, "UPDATE users SET password_hash = 'correct horse'")
		wantKind(t, "login", n.login(t, "192.0.2.1", "ann@example.org", password), errs.Unauthorized)
		if !strings.Contains(n.lines.String(), "damaged") {
			t.Errorf("logged %q", n.lines)
		}
	})
}

func TestRefusedLoginsAreLimited(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		const ann, here, elsewhere = "ann@example.org", "192.0.2.1", "192.0.2.2"
		for range 20 { // who knows the password is never limited
			if err := n.login(t, here, ann, password); err != nil {
				t.Fatal(err)
			}
		}
		if n.clock.waited() != 0 {
			t.Errorf("waited %v", n.clock.waited())
		}
		start := n.clock.Now()
		for i := range 10 {
			wantKind(t, fmt.Sprint("wrong ", i), n.login(t, here, ann, "wrong"), errs.Unauthorized)
		}
		if passed := n.clock.Now().Sub(start); passed != 9*time.Second {
			t.Errorf("ten attempts took %v", passed)
		}
		hashes := n.Hashes()
		err := n.login(t, here, ann, password)
		wantKind(t, "the eleventh", err, errs.RateLimited)
		if after := errs.Of(err).RetryAfter; after <= 0 || after > 30*time.Second {
			t.Errorf("retry after %v", after)
		}
		if n.Hashes() != hashes {
			t.Error("a refused attempt was hashed")
		}
		if err := n.login(t, elsewhere, "ANN@example.org", password); err != nil {
			t.Errorf("the owner from elsewhere: %v", err)
		}
		wantKind(t, "in capitals", n.login(t, here, "ANN@example.org", password), errs.RateLimited)
		wantKind(t, "another account", n.login(t, here, "bob@example.org", "wrong"), errs.Unauthorized)
		n.clock.pass(errs.Of(err).RetryAfter)
		if err := n.login(t, here, ann, password); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

// TestPauseIsNoLockOut: strangers all over the world who guess cost the owner a
// second at most.
func TestPauseIsNoLockOut(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		for i := range 50 {
			ip := fmt.Sprintf("198.51.100.%d", i)
			wantKind(t, ip, n.login(t, ip, "ann@example.org", "wrong"), errs.Unauthorized)
		}
		before := n.clock.waited()
		if err := n.login(t, "192.0.2.1", "ann@example.org", password); err != nil {
			t.Error(err)
		}
		if waited := n.clock.waited() - before; waited != time.Second {
			t.Errorf("the owner waited %v", waited)
		}
	})
}

func TestBadLogins(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		for name, c := range map[string]struct{ email, password, field string }{
			"no address":    {"  ", password, "body.email"},
			"long address":  {strings.Repeat("a", 255), password, "body.email"},
			"NUL":           {"a\x00@example.org", password, "body.email"},
			"long password": {"ann@example.org", strings.Repeat("x", 129), "body.password"},
		} {
			err := n.login(t, "192.0.2.1", c.email, c.password)
			if !errs.Is(err, errs.Invalid) || errs.Of(err).Field != c.field {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
