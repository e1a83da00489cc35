package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// tenantMark stands for the tenant's id in the issuer of an authority for several
// tenants, and in that of keys which sign for all.
const tenantMark = "{tenantid}"

// microsoft has one address for many tenants, each of which is an issuer of its own.
// An address that a tenant's admin has typed in is no proof of anything, so none is
// believed.
func microsoft(s Settings, q *quirks) {
	tenant := s.Tenant
	if tenant == "" {
		tenant = "common"
	}
	base := placeOf(s, microsoftURL)
	q.issuer = base + "/" + tenant + "/v2.0"
	q.genuine = func(claimed string) bool {
		inner, ours := strings.CutPrefix(claimed, base+"/")
		inner, isV2 := strings.CutSuffix(inner, "/v2.0")
		switch {
		case !ours || !isV2:
			return false
		case tenant == "common" || tenant == "organizations":
			return inner == tenantMark
		case isTenant(strings.ToLower(tenant)):
			return inner == strings.ToLower(tenant)
		}
		return isTenant(inner) // a domain's name, or consumers, is answered with the id
	}
	q.tenants = true
	q.tellsWhen = false // only where the app's token configuration has it
	q.confirm = map[string]string{"prompt": "login"}
	q.userInfo = false
	q.identity = func(got claims, in Answer) Identity {
		who := identityOf(got, in)
		if who.EmailVerified = false; who.Email == "" && isAddress(got.Preferred) {
			who.Email = got.Preferred
		}
		return who
	}
}

// personalTenant is that of accounts which belong to no organization.
const personalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"

// admits reports whether somebody of a tenant can sign in where this one is set up. The
// id of one that is named by its domain is not known here: any organization may be it.
func admits(tenant, of string) bool {
	switch tenant = strings.ToLower(tenant); {
	case !isTenant(of):
		return false
	case tenant == "" || tenant == "common":
		return true
	case tenant == "consumers":
		return of == personalTenant
	case isTenant(tenant):
		return of == tenant
	}
	return of != personalTenant
}

func isTenant(text string) bool {
	return regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(text)
}

// fromTenant checks the issuer of a token against the authority's, whose tenant's id
// may be open: then it is the one that the token names.
func fromTenant(issuer string, got claims) error {
	if !isTenant(got.Tenant) {
		return errors.New("the id_token names no tenant")
	}
	if want := strings.ReplaceAll(issuer, tenantMark, got.Tenant); got.Issuer != want {
		return fmt.Errorf("the id_token is of %.200q, expected %.200q", got.Issuer, want)
	}
	return nil
}

// keyOfTenant checks that the key may sign for the issuer: the keys of personal
// accounts must not make anybody's employee.
func keyOfTenant(key signingKey, payload []byte) error {
	var got claims
	if err := json.Unmarshal(payload, &got); err != nil {
		return err
	}
	if want := strings.ReplaceAll(key.Issuer, tenantMark, got.Tenant); key.Issuer != "" && want != got.Issuer {
		return fmt.Errorf("the key signs for %.200q, the id_token is of %.200q", key.Issuer, got.Issuer)
	}
	return nil
}
