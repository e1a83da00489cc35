package web

import "strings"

// Encoding returns the content coding to answer in: of those offered, given in the
// server's order, the one that an Accept-Encoding header gives the most weight. It is ""
// for the plain form: where that weighs more, where no coding is named, and where nothing
// is acceptable, since a plain answer serves better than none.
func Encoding(accept string, offered ...string) string {
	weights := map[string]int{} // in thousandths
	for item := range strings.SplitSeq(accept, ",") {
		coding, parameters, _ := strings.Cut(item, ";")
		if coding = strings.ToLower(strings.TrimSpace(coding)); coding != "" {
			weights[coding] = weight(parameters)
		}
	}
	weigh := func(coding string) int {
		if w, named := weights[coding]; named {
			return w
		}
		return weights["*"]
	}
	best, most := "", weigh("identity")
	for _, coding := range offered {
		if w := weigh(coding); w > most || w == most && w > 0 && best == "" {
			best, most = coding, w
		}
	}
	return best
}

// weight reads q=0.5 among the parameters of an item. Without one an item weighs most;
// with one that is no weight it is refused, which is always safe.
func weight(parameters string) int {
	const most = 1000
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		whole, digits, _ := strings.Cut(strings.TrimSpace(value), ".")
		if len(digits) > 3 || strings.Trim(digits, "0123456789") != "" {
			return 0
		}
		thousandths := 0
		for _, digit := range (digits + "000")[:3] {
			thousandths = thousandths*10 + int(digit-'0')
		}
		switch {
		case whole == "0":
			return thousandths
		case whole == "1" && thousandths == 0:
			return most
		}
		return 0
	}
	return most
}

// Matches reports whether an If-None-Match header names the entity tag, or any tag. Weak
// and strong tags compare alike, as they do for this header.
func Matches(ifNoneMatch, tag string) bool {
	tag = strings.TrimPrefix(tag, "W/")
	rest := strings.Trim(ifNoneMatch, " \t")
	if rest == "*" {
		return true
	}
	for {
		rest = strings.TrimPrefix(strings.TrimLeft(rest, ", \t"), "W/")
		inside, opened := strings.CutPrefix(rest, `"`)
		opaque, after, closed := strings.Cut(inside, `"`)
		if !opened || !closed {
			return false
		}
		if `"`+opaque+`"` == tag {
			return true
		}
		if rest = strings.TrimLeft(after, " \t"); !strings.HasPrefix(rest, ",") {
			return false
		}
	}
}
