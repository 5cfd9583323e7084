// Adapter for `okxdoctor conform`, in Go with the standard library alone.
//
// Build it: go build adapter.go
// Run it:   okxdoctor conform sign  --adapter ./adapter
//           okxdoctor conform round --adapter ./adapter
//           okxdoctor conform parse --adapter ./adapter
//
// The functions below give right answers. Replace their bodies by calls of your own code, leave out the ones you do
// not have, and keep the loop at the end. Print nothing to standard output but replies; standard error is for logs.
package main

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
)

// ---- signing ---------------------------------------------------------------------------------------------

type signInput struct {
	Secret    string               `json:"secret"`
	Timestamp string               `json:"timestamp"`
	Method    string               `json:"method"`
	Path      string               `json:"path"`
	Params    [][2]json.RawMessage `json:"params"`
	Body      json.RawMessage      `json:"body"`
}

// A value is text, null, a boolean, or a list of texts, which OKX documents as one text with commas.
func written(value any) string {
	list, isList := value.([]any)
	if !isList {
		return fmt.Sprint(value)
	}
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = written(item)
	}
	return strings.Join(texts, ",")
}

func sign(in signInput) (any, error) {
	var query []string
	for _, pair := range in.Params {
		var name string
		var value any
		if err := json.Unmarshal(pair[0], &name); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(pair[1], &value); err != nil {
			return nil, err
		}
		if value != nil {
			query = append(query, encode(name)+"="+encode(written(value)))
		}
	}
	requestPath := in.Path
	if len(query) > 0 {
		requestPath += "?" + strings.Join(query, "&")
	}
	body := ""
	if len(in.Body) > 0 && string(in.Body) != "null" {
		var compact bytes.Buffer
		if err := json.Compact(&compact, in.Body); err != nil {
			return nil, err
		}
		body = compact.String()
	}
	prehash := in.Timestamp + strings.ToUpper(in.Method) + requestPath + body
	return map[string]any{"sign": mac(in.Secret, prehash), "request_path": requestPath, "body": body}, nil
}

type loginInput struct {
	Key        string `json:"key"`
	Secret     string `json:"secret"`
	Passphrase string `json:"passphrase"`
	EpochS     string `json:"epoch_s"`
}

func wsLogin(in loginInput) (any, error) {
	return map[string]any{
		"apiKey": in.Key, "passphrase": in.Passphrase, "timestamp": in.EpochS,
		"sign": mac(in.Secret, in.EpochS+"GET/users/self/verify"),
	}, nil
}

func encode(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

func mac(secret, text string) string {
	hash := hmac.New(sha256.New, []byte(secret))
	hash.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(hash.Sum(nil))
}

// ---- rounding --------------------------------------------------------------------------------------------

type band struct {
	Max  string `json:"max"`
	Tick string `json:"tick"`
}

type priceInput struct {
	Price string `json:"price"`
	Side  string `json:"side"`
	Mode  string `json:"mode"`
	Tick  string `json:"tick"`
	Bands []band `json:"bands"`
}

type step struct{ low, high, tick *big.Rat } // nil: open

func roundPrice(in priceInput) (any, error) {
	rows := in.Bands
	if rows == nil {
		rows = []band{{Tick: in.Tick}}
	}
	value, err := number(in.Price)
	if err != nil {
		return nil, err
	}
	steps := make([]step, len(rows))
	for i, row := range rows {
		if steps[i].tick, err = positive(row.Tick); err != nil {
			return nil, err
		}
		if row.Max != "" {
			if steps[i].high, err = number(row.Max); err != nil {
				return nil, err
			}
		}
	}
	sort.SliceStable(steps, func(a, b int) bool {
		return steps[b].high == nil && steps[a].high != nil ||
			steps[a].high != nil && steps[b].high != nil && steps[a].high.Cmp(steps[b].high) < 0
	})
	for i := 1; i < len(steps); i++ {
		steps[i].low = steps[i-1].high
	}
	steps[len(steps)-1].high = nil
	mode := in.Mode
	if mode == "passive" {
		mode = map[string]string{"buy": "down", "sell": "up"}[in.Side]
	}
	below, above := lower(value, steps), upper(value, steps)
	down := mode == "down"
	if mode == "nearest" {
		down = new(big.Rat).Sub(value, below).Cmp(new(big.Rat).Sub(above, value)) < 0
	}
	if down {
		return map[string]any{"price": plain(below)}, nil
	}
	return map[string]any{"price": plain(above)}, nil
}

func lower(value *big.Rat, steps []step) *big.Rat {
	for i := len(steps) - 1; ; i-- {
		one := steps[i]
		if one.low != nil && value.Cmp(one.low) < 0 {
			continue
		}
		point := floor(value, one.tick)
		if one.high != nil && point.Cmp(one.high) >= 0 {
			point = new(big.Rat).Sub(ceil(one.high, one.tick), one.tick)
		}
		if one.low == nil || point.Cmp(one.low) >= 0 {
			return point
		}
	}
}

func upper(value *big.Rat, steps []step) *big.Rat {
	for i := 0; ; i++ {
		one := steps[i]
		if one.high != nil && value.Cmp(one.high) >= 0 {
			continue
		}
		from := value
		if one.low != nil && value.Cmp(one.low) < 0 {
			from = one.low
		}
		point := ceil(from, one.tick)
		if one.high == nil || point.Cmp(one.high) < 0 {
			return point
		}
	}
}

type sizeInput struct {
	Size string `json:"size"`
	Lot  string `json:"lot"`
	Min  string `json:"min"`
}

func roundSize(in sizeInput) (any, error) {
	asked, err := number(in.Size)
	if err != nil {
		return nil, err
	}
	lot, err := positive(in.Lot)
	if err != nil {
		return nil, err
	}
	least := new(big.Rat)
	if in.Min != "" {
		if least, err = number(in.Min); err != nil {
			return nil, err
		}
	}
	fitted := floor(asked, lot)
	if fitted.Sign() <= 0 || fitted.Cmp(least) < 0 {
		return map[string]any{"size": nil}, nil
	}
	return map[string]any{"size": plain(fitted)}, nil
}

var decimal = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?$`)

func number(text string) (*big.Rat, error) {
	if decimal.MatchString(text) {
		if value, ok := new(big.Rat).SetString(text); ok {
			return value, nil
		}
	}
	return nil, fmt.Errorf("%q is no decimal number", text)
}

func positive(text string) (*big.Rat, error) {
	value, err := number(text)
	if err == nil && value.Sign() <= 0 {
		err = fmt.Errorf("%q makes no grid", text)
	}
	return value, err
}

func floor(value, tick *big.Rat) *big.Rat {
	steps := new(big.Rat).Quo(value, tick)
	whole := new(big.Int).Div(steps.Num(), steps.Denom()) // Euclidean: downwards for a positive denominator
	return new(big.Rat).Mul(new(big.Rat).SetInt(whole), tick)
}

func ceil(value, tick *big.Rat) *big.Rat {
	return new(big.Rat).Neg(floor(new(big.Rat).Neg(value), tick))
}

func plain(value *big.Rat) string {
	places, scaled := 0, new(big.Int).Set(value.Denom())
	for power := big.NewInt(1); new(big.Int).Mod(power, scaled).Sign() != 0; power.Mul(power, big.NewInt(10)) {
		places++
	}
	return value.FloatString(places)
}

// ---- parsing ---------------------------------------------------------------------------------------------

type timeInput struct {
	Ts string `json:"ts"`
}

var digits = regexp.MustCompile(`^[0-9]{1,32}$`)

func parseTimestamp(in timeInput) (any, error) {
	if in.Ts == "" {
		return map[string]any{"iso": nil}, nil
	}
	ms, err := strconv.ParseInt(in.Ts, 10, 64)
	if err != nil || !digits.MatchString(in.Ts) || ms > 253402300799999 {
		return nil, fmt.Errorf("%q is no epoch time in milliseconds", in.Ts)
	}
	return map[string]any{"iso": time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")}, nil
}

type answerInput struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

var again = map[string]bool{"50001": true, "50011": true, "50013": true, "50061": true}

// Too much, not now, or the CDN could not reach the exchange: nothing happened there.
var againStatus = map[int]bool{429: true, 503: true, 521: true, 522: true, 523: true, 525: true, 526: true, 530: true}

func parseResponse(in answerInput) (any, error) {
	var envelope map[string]json.RawMessage
	code := ""
	if json.Unmarshal([]byte(in.Body), &envelope) == nil {
		var text string
		var whole json.Number
		if json.Unmarshal(envelope["code"], &text) == nil {
			code = text
		} else if json.Unmarshal(envelope["code"], &whole) == nil {
			code = whole.String()
		}
	}
	if code == "" {
		kind := "http"
		if in.Status >= 200 && in.Status < 300 {
			kind = "not_json"
		}
		retryable := kind == "http" && againStatus[in.Status]
		return map[string]any{"kind": kind, "code": nil, "items": []any{}, "retryable": retryable}, nil
	}
	kinds := map[string]string{"0": "ok", "1": "rejected", "2": "partial"}
	kind, known := kinds[code]
	if !known {
		kind = "rejected"
	}
	items, codes := itemsOf(envelope["data"])
	if len(items) > 0 && known {
		verdicts := map[string]bool{}
		for _, item := range items {
			switch item["code"] {
			case "":
				verdicts[kind] = true
			case "0":
				verdicts["ok"] = true
			default:
				verdicts["rejected"] = true
			}
		}
		if len(verdicts) > 1 {
			kind = "partial"
		} else {
			for only := range verdicts {
				kind = only
			}
		}
	}
	if len(codes) == 0 {
		codes[code] = true
	}
	retryable := kind == "rejected" && len(codes) == 1
	for one := range codes {
		retryable = retryable && again[one]
	}
	return map[string]any{"kind": kind, "code": code, "items": items, "retryable": retryable}, nil
}

func itemsOf(data json.RawMessage) ([]map[string]string, map[string]bool) {
	var rows []json.RawMessage
	items, codes := []map[string]string{}, map[string]bool{}
	if json.Unmarshal(data, &rows) != nil {
		return items, codes
	}
	for _, raw := range rows {
		var row struct {
			SCode *string `json:"sCode"`
			SMsg  *string `json:"sMsg"`
		}
		item := map[string]string{"code": "", "message": ""}
		if json.Unmarshal(raw, &row) == nil && row.SCode != nil {
			item["code"] = *row.SCode
		}
		if row.SMsg != nil {
			item["message"] = *row.SMsg
		}
		if item["code"] != "" {
			codes[item["code"]] = true
		}
		items = append(items, item)
	}
	if len(codes) == 0 {
		items = items[:0]
	}
	return items, codes
}

// ---- the protocol ----------------------------------------------------------------------------------------

func call[In any](function func(In) (any, error)) func(json.RawMessage) (any, error) {
	return func(raw json.RawMessage) (any, error) {
		var input In
		if err := json.Unmarshal(raw, &input); err != nil {
			return nil, err
		}
		return function(input)
	}
}

var ops = map[string]func(json.RawMessage) (any, error){
	"sign": call(sign), "ws_login": call(wsLogin), "round_price": call(roundPrice), "round_size": call(roundSize),
	"parse_timestamp": call(parseTimestamp), "parse_response": call(parseResponse),
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var message struct {
			Cmd   string          `json:"cmd"`
			Seq   int             `json:"seq"`
			Op    string          `json:"op"`
			Input json.RawMessage `json:"input"`
		}
		if json.Unmarshal(line, &message) != nil || message.Cmd == "stop" {
			return
		}
		reply := map[string]any{"seq": message.Seq}
		if message.Cmd == "start" {
			var supports []string
			for op := range ops {
				supports = append(supports, op)
			}
			reply = map[string]any{"name": "my client", "version": "1.0", "language": "go", "supports": supports}
		} else if output, err := ops[message.Op](message.Input); err != nil {
			reply["error"] = err.Error()
		} else {
			reply["output"] = output
		}
		if out.Encode(reply) != nil {
			return
		}
	}
}
