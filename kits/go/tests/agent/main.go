// Answers kits/contract/run.py by lclqtest, AWS' SDK and Google's library.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/lclq/lclq/kits/go/lclqtest"
	"lclq.test/kits/go"
)

type request struct {
	Op, Binary, Queue, Body, Topic, Data string
	Args                                 []string
	Server, Sandbox                      int
	DelayS                               int32 `json:"delay_s"`
	Seconds                              float64
	Rule                                 lclqtest.Fault
}

type answer = map[string]any

type clients struct {
	sandbox *lclqtest.Sandbox
	sqs     *sqs.Client
	pubsub  *pubsub.Client
}

var (
	ctx       = context.Background()
	servers   []*lclqtest.Server
	sandboxes []clients
)

func start(r request) (answer, error) {
	options := []lclqtest.Option{lclqtest.Args(r.Args...)}
	if r.Binary != "" {
		options = append(options, lclqtest.Binary(r.Binary))
	}
	server, err := lclqtest.New(options...)
	if err != nil {
		return nil, err
	}
	servers = append(servers, server)
	return answer{
		"server": len(servers) - 1, "pid": server.PID,
		"endpoint": server.Endpoint, "pubsub": server.PubSub, "admin": server.Admin,
	}, nil
}

func sandbox(r request) (answer, error) {
	made := servers[r.Server].Sandbox()
	google, err := tests.PubSub(ctx, made)
	if err != nil {
		return nil, err
	}
	sandboxes = append(sandboxes, clients{made, tests.SQS(made, 1), google})
	return answer{"sandbox": len(sandboxes) - 1, "account": made.Account, "project": made.Project}, nil
}

func done(err error) (answer, error) { return answer{}, err }

func messages(all []string, err error) (answer, error) { return answer{"messages": all}, err }

var operations = map[string]func(request) (answer, error){
	"start":   start,
	"sandbox": sandbox,
	"stop": func(r request) (answer, error) {
		servers[r.Server].Stop()
		return answer{}, nil
	},
	"end": func(r request) (answer, error) { return done(sandboxes[r.Sandbox].sandbox.Reset()) },
	"send": func(r request) (answer, error) {
		return done(tests.Send(ctx, sandboxes[r.Sandbox].sqs, r.Queue, r.Body, r.DelayS))
	},
	"receive": func(r request) (answer, error) {
		return messages(tests.Receive(ctx, sandboxes[r.Sandbox].sqs, r.Queue))
	},
	"publish": func(r request) (answer, error) {
		return done(tests.Publish(ctx, sandboxes[r.Sandbox].pubsub, r.Topic, r.Data))
	},
	"pull": func(r request) (answer, error) {
		return messages(tests.Pull(ctx, sandboxes[r.Sandbox].pubsub, r.Topic))
	},
	"advance": func(r request) (answer, error) {
		return done(servers[r.Server].Clock().Advance(time.Duration(r.Seconds * float64(time.Second))))
	},
	"fault": func(r request) (answer, error) {
		name, err := servers[r.Server].Faults().Set(r.Rule)
		return answer{"name": name}, err
	},
	"clear_faults": func(r request) (answer, error) { return done(servers[r.Server].Faults().Clear()) },
}

func main() {
	out := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var r request
		var said answer
		err := json.Unmarshal(lines.Bytes(), &r)
		if err == nil {
			said, err = operations[r.Op](r)
		}
		if err != nil {
			said = answer{"error": err.Error()}
		}
		out.Encode(said)
	}
}
