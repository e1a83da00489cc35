package secret

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// sealVersion begins every sealed text. Another way of sealing gets another word, and
// Open goes on to read this one.
const sealVersion = "v1"

// keyIDLength is how much of a key's name a sealed text carries, in bytes.
const keyIDLength = 6

// ErrSealed is in the error of every text that Open cannot open.
var ErrSealed = errors.New("cannot be opened: it is damaged, or was sealed with another secret or for another place")

// Seal encrypts what must not be read in the database, and nobody can change it
// unnoticed. The text says under which key it is, so that Open finds a former one:
//
//	v1.key id.base64(nonce ‖ ciphertext ‖ tag)
//
// purpose is the kind of secret, which has a key of its own; bound is where it
// belongs, say a row's id: moved to another row it does not open.
func (m Master) Seal(purpose, bound string, plain []byte) string {
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	rand.Read(nonce) // never fails
	sealed := m.cipher(purpose).Seal(nonce, nonce, plain, []byte(bound))
	return strings.Join([]string{sealVersion, m.keyID(), base64.RawURLEncoding.EncodeToString(sealed)}, ".")
}

// Open returns what Seal was given, also when it was sealed under a former secret.
// The error is ErrSealed, whatever the reason.
func (m Master) Open(purpose, bound string, sealed string) ([]byte, error) {
	id, raw, ok := parseSealed(sealed)
	if !ok {
		return nil, ErrSealed
	}
	nonce, ciphertext := raw[:chacha20poly1305.NonceSizeX], raw[chacha20poly1305.NonceSizeX:]
	for _, one := range m.all() {
		if one.keyID() != id {
			continue
		}
		if plain, err := one.cipher(purpose).Open(nil, nonce, ciphertext, []byte(bound)); err == nil {
			return plain, nil
		}
	}
	return nil, ErrSealed
}

// Reseal returns the text sealed anew where it is not under the current secret;
// changed tells whether it is another. The error is ErrSealed.
func (m Master) Reseal(purpose, bound, sealed string) (text string, changed bool, err error) {
	plain, err := m.Open(purpose, bound, sealed)
	if id, _, _ := parseSealed(sealed); err != nil || id == m.keyID() {
		return sealed, false, err
	}
	return m.Seal(purpose, bound, plain), true, nil
}

// parseSealed takes a sealed text apart. It accepts one form only of each: whoever
// compares texts compares what they hold.
func parseSealed(text string) (keyID string, raw []byte, ok bool) {
	version, rest, _ := strings.Cut(text, ".")
	keyID, body, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(body)
	ok = err == nil && version == sealVersion && len(raw) >= chacha20poly1305.NonceSizeX+chacha20poly1305.Overhead &&
		!strings.ContainsAny(body, "\r\n") // which the decoder skips
	return keyID, raw, ok
}

func (m Master) cipher(purpose string) cipher.AEAD {
	aead, err := chacha20poly1305.NewX(m.Key("seal " + sealVersion + "/" + purpose))
	if err != nil {
		panic("secret: " + err.Error()) // only a key of another length gives one
	}
	return aead
}

// keyID names the secret without telling it.
func (m Master) keyID() string {
	return base64.RawURLEncoding.EncodeToString(m.Key("seal key id")[:keyIDLength])
}
