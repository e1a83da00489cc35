package provider

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// explain says in plain words why a document could not be had.
func explain(address string, err error) string {
	var name *net.DNSError
	var answer *statusError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		return fmt.Sprintf("the name %s is not known from here: is it spelled right?", name.Name)
	case errors.As(err, &authority):
		return address + " has a certificate of an authority that this machine does not trust: add it to the system's trust store"
	case errors.As(err, &host), errors.As(err, &invalid):
		return fmt.Sprintf("%s has a certificate that is not good: %v", address, err)
	case errors.As(err, &answer) && answer.elsewhere != "":
		return fmt.Sprintf("%s points to %s: give the issuer of that address", address, answer.elsewhere)
	case errors.As(err, &answer) && answer.status == http.StatusNotFound:
		return fmt.Sprintf("there is nothing at %s: is the issuer right? It is what stands before /.well-known in the provider's manual", address)
	case errors.As(err, &answer):
		return fmt.Sprintf("%s answers with status %d: look into the provider's log", address, answer.status)
	case errors.Is(err, errNotJSON):
		return fmt.Sprintf("what is at %s is not JSON, perhaps a page for people: is the issuer right?", address)
	case errors.Is(err, http.ErrSchemeMismatch):
		return address + " speaks plain http there, without TLS: is the port right?"
	case errors.Is(err, context.DeadlineExceeded):
		return address + " does not answer in time: is there a firewall in between?"
	case isNet(err):
		return fmt.Sprintf("%s cannot be reached from here: %v", address, errors.Unwrap(err))
	}
	return fmt.Sprintf("%s: %v", address, err)
}

func isNet(err error) bool {
	_, ok := errors.AsType[*net.OpError](err)
	return ok
}
