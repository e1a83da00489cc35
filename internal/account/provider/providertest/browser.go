package providertest

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// Browser is enough of one: it keeps cookies, follows redirects, and submits forms. A
// form from another place is posted as browsers do it, without cookies that are Lax.
type Browser struct {
	t      testing.TB
	client *http.Client
	Status int      // of the page that it shows
	At     *url.URL // where it is
	Text   string   // of that page
}

// NewBrowser returns a browser that has been nowhere.
func NewBrowser(t testing.TB) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{
		Jar: jar, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Browser{t: t, client: client}
}

// maxHops bounds a chain of redirects.
const maxHops = 20

// Visit goes to an address and on to where that leads, and stops where stop, if it is
// not nil, says so: before it asks.
func (b *Browser) Visit(address string, stop func(*url.URL) bool) {
	b.t.Helper()
	r := b.request(http.MethodGet, address, nil)
	b.follow(r, b.client, stop)
}

func (b *Browser) request(method, address string, form url.Values) *http.Request {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func (b *Browser) follow(r *http.Request, client *http.Client, stop func(*url.URL) bool) {
	b.t.Helper()
	for range maxHops {
		if b.At = r.URL; stop != nil && stop(r.URL) {
			return
		}
		answer, err := client.Do(r)
		if err != nil {
			b.t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			b.t.Fatal(err)
		}
		b.Status, b.Text = answer.StatusCode, string(text)
		location := answer.Header.Get("Location")
		if location == "" {
			return
		}
		next, err := r.URL.Parse(location)
		if err != nil {
			b.t.Fatal(err)
		}
		r, client = b.request(http.MethodGet, next.String(), nil), b.client
	}
	b.t.Fatalf("still redirected after %d hops, at %s", maxHops, b.At)
}

// Submit sends the page's form with more values filled in.
func (b *Browser) Submit(values map[string]string, stop func(*url.URL) bool) {
	b.t.Helper()
	tag := regexp.MustCompile(`(?is)<form[^>]*>`).FindString(b.Text)
	action, err := b.At.Parse(attribute(tag, "action"))
	if tag == "" || err != nil {
		b.t.Fatalf("no form on %s: %s", b.At, b.Text)
	}
	form := b.Form()
	for name, value := range values {
		form.Set(name, value)
	}
	r, client := b.request(http.MethodPost, action.String(), form), b.client
	if action.Host != b.At.Host {
		r.Header.Set("Origin", b.At.Scheme+"://"+b.At.Host)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		client = &http.Client{Transport: b.client.Transport, CheckRedirect: b.client.CheckRedirect}
	}
	b.follow(r, client, stop)
}

// Form is what the page's form would send.
func (b *Browser) Form() url.Values {
	form := url.Values{}
	for _, input := range regexp.MustCompile(`(?is)<input[^>]*>`).FindAllString(b.Text, -1) {
		form.Set(attribute(input, "name"), attribute(input, "value"))
	}
	return form
}

// Cookie is what the browser would send to an address, "" when there is none.
func (b *Browser) Cookie(address, name string) string {
	b.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// SetCookie puts one there.
func (b *Browser) SetCookie(address, name, value string) {
	b.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/api/auth"}})
}

func attribute(tag, name string) string {
	found := regexp.MustCompile(`(?is)\s` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if found == nil {
		return ""
	}
	return html.UnescapeString(found[1])
}

// Call sends JSON as the app's page does, with the browser's cookies, and returns the
// answer's status and body.
func (b *Browser) Call(method, address, token, body string) (int, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func decode(t testing.TB, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Error(err)
	}
}
