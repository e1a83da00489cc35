package apitoken

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"strings"
)

// The form of a token, which is that of GitHub's:
//
//	psr_ ‖ 30 random characters ‖ 6 characters of checksum
//
// The characters are 0-9A-Za-z, so 30 of them are 178 bits. The checksum is the CRC-32
// (IEEE) of all that stands before it, as a number of six digits in that alphabet, the
// most significant first.
const (
	prefix   = "psr_"
	random   = 30
	checksum = 6
	length   = len(prefix) + random + checksum

	digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// newSecret makes up a token.
func newSecret() string {
	text := make([]byte, len(prefix), length)
	copy(text, prefix)
	const fair = 256 - 256%len(digits) // bytes above would make some characters likelier
	for some := make([]byte, 2*random); len(text) < len(prefix)+random; {
		_, _ = rand.Read(some) // never returns an error
		for _, b := range some {
			if int(b) < fair && len(text) < len(prefix)+random {
				text = append(text, digits[int(b)%len(digits)])
			}
		}
	}
	sum := sumOf(text)
	return string(append(text, sum[:]...))
}

// wellFormed reports whether a text may be a token. What was mistyped, and what a
// scanner for leaked secrets takes for one, is not; no database is needed to know.
func wellFormed(text string) bool {
	if len(text) != length || !strings.HasPrefix(text, prefix) {
		return false
	}
	for i := len(prefix); i < length; i++ {
		if !alphanumeric(text[i]) {
			return false
		}
	}
	sum := sumOf([]byte(text[:length-checksum]))
	return text[length-checksum:] == string(sum[:])
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

func sumOf(text []byte) (sum [checksum]byte) {
	n := crc32.ChecksumIEEE(text)
	for i := checksum - 1; i >= 0; i-- {
		sum[i] = digits[n%uint32(len(digits))]
		n /= uint32(len(digits))
	}
	return sum
}

// hashOf is how a token is kept: nobody who reads the table can use it.
func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// hintOf is the end of a token, by which its owner knows it again.
func hintOf(secret string) string { return secret[length-4:] }
