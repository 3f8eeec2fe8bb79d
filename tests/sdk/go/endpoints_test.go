// The client's retries, and which queue a request means: by region, account and host.
package sqs_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// flaky is a proxy to the server that answers its first failures requests with 503;
// it counts all that it gets.
func flaky(t *testing.T, failures int32) (*sqs.Client, *atomic.Int32, string) {
	t.Helper()
	target, err := url.Parse(endpoint)
	succeeds(t, err)
	var count atomic.Int32
	forward := httputil.NewSingleHostReverseProxy(target)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if count.Add(1) <= failures {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	return newClient(func(o *sqs.Options) { o.BaseEndpoint = &proxy.URL }), &count, proxy.URL
}

func TestDefaultRetryerGetsThroughFailures(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	by, count, _ := flaky(t, 2)
	_, err := by.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String("third try")})
	succeeds(t, err)
	equal(t, count.Load(), 3, "requests")
	equal(t, bodies(q.receive()), []string{"third try"}, "messages")
}

func TestDefaultRetryerDoesNotRepeatTheSendersFault(t *testing.T) {
	t.Parallel()
	by, count, _ := flaky(t, 0)
	_, err := by.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(unique("go")), MessageBody: aws.String("x")})
	queueDoesNotExist(t, err)
	equal(t, count.Load(), 1, "requests")
}

func TestQueueURLsCarryTheHostThatTheRequestCameBy(t *testing.T) {
	t.Parallel()
	by, _, origin := flaky(t, 0)
	q := newQueueBy(t, by, &sqs.CreateQueueInput{QueueName: aws.String(unique("go"))})
	check(t, strings.HasPrefix(q.url, origin+"/"), q.url+" is not at "+origin)
	direct, err := lookUp(client, q.name)
	succeeds(t, err)
	check(t, strings.HasPrefix(direct, strings.TrimSuffix(endpoint, "/")+"/"), direct+" is not at "+endpoint)
}

func TestRegionsDoNotSeeEachOthersQueues(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	far := newClient(func(o *sqs.Options) { o.Region = "eu-west-1" })
	_, err := lookUp(far, q.name)
	queueDoesNotExist(t, err)
	twin := newQueueBy(t, far, &sqs.CreateQueueInput{QueueName: &q.name})
	check(t, strings.HasPrefix(twin.arn, "arn:aws:sqs:eu-west-1:"), twin.arn)
}

func TestTwelveDigitAccessKeyIsAnAccount(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	other := newClient(func(o *sqs.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider("123456789012", "test", "")
	})
	_, err := lookUp(other, q.name)
	queueDoesNotExist(t, err)
	twin := newQueueBy(t, other, &sqs.CreateQueueInput{QueueName: &q.name})
	equal(t, twin.arn, "arn:aws:sqs:us-east-1:123456789012:"+q.name, "ARN")
}
