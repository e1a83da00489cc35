package factor_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
	"testing"
)

// key is a browser and an authenticator made of software, with one passkey. What
// browsers and authenticators really do is for the browser tests; here they also lie.
type key struct {
	id          []byte
	signer      crypto.Signer
	handle      []byte // the user's, known once it is made
	counter     uint32
	origin      string // of the page
	rpID        string
	crossOrigin bool
	kind        string // of the client data, where it is not the right one

	present, verified, eligible, backedUp bool
}

// newKey is a passkey as phones have it: it recognises its owner, and is synced.
func newKey() *key {
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return &key{
		id: random(32), signer: signer, origin: publicURL, rpID: "peisear.example.org",
		present: true, verified: true, eligible: true, backedUp: true,
	}
}

// newSecurityKey is one that only notices that it is touched.
func newSecurityKey() *key {
	k := newKey()
	k.verified, k.eligible, k.backedUp = false, false, false
	return k
}

func random(n int) []byte {
	raw := make([]byte, n)
	rand.Read(raw)
	return raw
}

func b64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// clientData is what the browser says.
func (k *key) clientData(t testing.TB, kind, challenge string) []byte {
	t.Helper()
	if k.kind != "" {
		kind = k.kind
	}
	text, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": k.origin, "crossOrigin": k.crossOrigin})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// data is what the authenticator says: the hash of the relying party, flags, counter.
func (k *key) data(more byte) []byte {
	flags := more
	for bit, set := range map[byte]bool{1 << 0: k.present, 1 << 2: k.verified, 1 << 3: k.eligible, 1 << 4: k.backedUp} {
		if set {
			flags |= bit
		}
	}
	hash := sha256.Sum256([]byte(k.rpID))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), k.counter)
}

// create answers a challenge with the new passkey.
func (k *key) create(t testing.TB, c challenge) json.RawMessage {
	t.Helper()
	var options struct {
		Challenge string
		User      struct{ ID string }
	}
	if err := json.Unmarshal(c.PublicKey, &options); err != nil {
		t.Fatal(err)
	}
	var err error
	if k.handle, err = base64.RawURLEncoding.DecodeString(options.User.ID); err != nil {
		t.Fatal(err)
	}
	const attested = 1 << 6
	data := slices.Concat(k.data(attested), make([]byte, 16), binary.BigEndian.AppendUint16(nil, uint16(len(k.id))), k.id, k.cose())
	object := slices.Concat([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59"), binary.BigEndian.AppendUint16(nil, uint16(len(data))), data)
	return answer(t, k.id, map[string]any{
		"clientDataJSON": b64(k.clientData(t, "webauthn.create", options.Challenge)), "attestationObject": b64(object),
		"transports": []string{"internal", "hybrid"},
	})
}

// cose is the public key in CBOR (RFC 9052).
func (k *key) cose() []byte {
	switch public := k.signer.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			panic(err)
		}
		return slices.Concat([]byte("\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"), point[1:33], []byte("\x22\x58\x20"), point[33:])
	case ed25519.PublicKey:
		return slices.Concat([]byte("\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20"), public)
	case *rsa.PublicKey:
		return slices.Concat([]byte("\xa4\x01\x03\x03\x39\x01\x00\x20\x59\x01\x00"), public.N.FillBytes(make([]byte, 256)), []byte("\x21\x43\x01\x00\x01"))
	}
	panic("no such key")
}

// sign answers a challenge with the passkey.
func (k *key) sign(t testing.TB, c challenge) json.RawMessage {
	t.Helper()
	var options struct{ Challenge string }
	if err := json.Unmarshal(c.PublicKey, &options); err != nil {
		t.Fatal(err)
	}
	client, data := k.clientData(t, "webauthn.get", options.Challenge), k.data(0)
	hash := sha256.Sum256(client)
	signed, hashed := slices.Concat(data, hash[:]), crypto.SHA256
	if _, whole := k.signer.(ed25519.PrivateKey); whole {
		hashed = crypto.Hash(0)
	} else {
		digest := sha256.Sum256(signed)
		signed = digest[:]
	}
	signature, err := k.signer.Sign(rand.Reader, signed, hashed)
	if err != nil {
		t.Fatal(err)
	}
	response := map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)}
	if k.handle != nil {
		response["userHandle"] = b64(k.handle)
	}
	return answer(t, k.id, response)
}

func answer(t testing.TB, id []byte, response map[string]any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"id": b64(id), "rawId": b64(id), "type": "public-key", "response": response,
		"authenticatorAttachment": "platform", "clientExtensionResults": map[string]any{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
