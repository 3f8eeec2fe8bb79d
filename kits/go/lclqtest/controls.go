package lclqtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const controlMax = 60 * time.Second

// Proxies of the environment are for others: this is loopback.
var web = &http.Client{Timeout: controlMax, Transport: &http.Transport{Proxy: nil}}

// ControlError is what the server has refused.
type ControlError struct {
	// Code is the refusal's code, such as NotFound.
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *ControlError) Error() string { return e.Code + ": " + e.Message }

// Call asks the admin API for anything: path begins below /api/v1/, what is asked and answered is JSON. Both
// body and answer may be nil.
func (s *Server) Call(method, path string, body, answer any) error {
	var sent io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(encoded)
	}
	request, err := http.NewRequest(method, s.Admin+"/api/v1/"+path, sent)
	if err != nil {
		return err
	}
	response, err := web.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		var refused struct{ Error *ControlError }
		if json.Unmarshal(text, &refused) != nil || refused.Error == nil {
			return &ControlError{Code: fmt.Sprint(response.StatusCode), Message: string(text)}
		}
		return refused.Error
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

// Reset deletes everything, for all sandboxes.
func (s *Server) Reset() error { return s.Call("POST", "test/reset", struct{}{}, nil) }

// Clock is the server's clock, which all its sandboxes share: tests that move it want a server of their own.
type Clock struct{ server *Server }

// Clock is the server's, for tests to stop and move.
func (s *Server) Clock() Clock { return Clock{s} }

// Stop has time stand still.
func (c Clock) Stop() error { return c.server.Call("POST", "test/clock/stop", nil, nil) }

// Resume has time go on from where it is.
func (c Clock) Resume() error { return c.server.Call("POST", "test/clock/resume", nil, nil) }

// Advance jumps ahead; all that becomes due meanwhile happens.
func (c Clock) Advance(by time.Duration) error {
	return c.server.Call("POST", "test/clock/advance", map[string]int64{"ms": by.Milliseconds()}, nil)
}

// Set jumps ahead to a time.
func (c Clock) Set(to time.Time) error {
	return c.server.Call("POST", "test/clock/set", map[string]string{"to": to.Format(time.RFC3339Nano)}, nil)
}

// Fault is a rule that has requests fail. Its fields narrow down which; docs/testing.md of lclq has what
// an effect may be.
type Fault struct {
	Name     string `json:"name,omitempty"`
	Dialect  string `json:"dialect,omitempty"`
	Action   string `json:"action,omitempty"`
	Resource string `json:"resource,omitempty"`
	// Share of the requests, from 0 to 1.
	Share float64 `json:"share,omitempty"`
	Every uint64  `json:"every,omitempty"`
	Times uint64  `json:"times,omitempty"`
	Seed  uint64  `json:"seed,omitempty"`
	// Effect is "throttle" or an object, as FaultError makes one.
	Effect any `json:"effect"`
}

// FaultView is a rule, and what it did.
type FaultView struct {
	Name string
	// Matched counts requests that it was for, Fired those that it did something to.
	Matched, Fired uint64
}

// FaultError is the effect that a request is refused with this code of the dialect.
func FaultError(code string) any { return map[string]any{"error": map[string]string{"code": code}} }

// Faults has the rules.
type Faults struct{ server *Server }

// Faults are the server's rules of which requests fail.
func (s *Server) Faults() Faults { return Faults{s} }

// Set sets a rule and answers its name.
func (f Faults) Set(rule Fault) (string, error) {
	var set struct{ Name string }
	err := f.server.Call("POST", "test/faults", rule, &set)
	return set.Name, err
}

// List has all rules.
func (f Faults) List() ([]FaultView, error) {
	var all struct{ Faults []FaultView }
	err := f.server.Call("GET", "test/faults", nil, &all)
	return all.Faults, err
}

// Remove takes one rule away.
func (f Faults) Remove(name string) error {
	return f.server.Call("DELETE", "test/faults/"+url.PathEscape(name), nil, nil)
}

// Clear takes all rules away.
func (f Faults) Clear() error { return f.server.Call("DELETE", "test/faults", nil, nil) }
