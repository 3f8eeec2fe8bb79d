// What a server that enforces signatures makes of the SDK's signer: right keys and wrong ones,
// sessions, clocks that are off, and URLs signed beforehand. LCLQ_SIGNED_ENDPOINT names that server.
package sqs_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	signedAccount = "111122223333"
	wrongSecret   = "not-the-secret-of-this-key"
)

func given(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	check(t, value != "", name+" must be set, of a server that was started with --sqs-auth enforce")
	return value
}

func signedKey(t *testing.T) aws.Credentials {
	t.Helper()
	return aws.Credentials{AccessKeyID: given(t, "LCLQ_SIGNED_ID"), SecretAccessKey: given(t, "LCLQ_SIGNED_SECRET")}
}

func sessionKey(t *testing.T) aws.Credentials {
	t.Helper()
	return aws.Credentials{
		AccessKeyID:     given(t, "LCLQ_SESSION_ID"),
		SecretAccessKey: given(t, "LCLQ_SESSION_SECRET"),
		SessionToken:    given(t, "LCLQ_SESSION_TOKEN"),
	}
}

func signedClient(t *testing.T, key aws.Credentials, options ...func(*sqs.Options)) *sqs.Client {
	t.Helper()
	address := given(t, "LCLQ_SIGNED_ENDPOINT")
	return newClient(append(options, func(o *sqs.Options) {
		o.BaseEndpoint = &address
		o.Credentials = credentials.StaticCredentialsProvider{Value: key}
	})...)
}

// worksBy does with a queue of its own what clients do.
func worksBy(t *testing.T, by *sqs.Client) {
	t.Helper()
	q := newQueueBy(t, by, &sqs.CreateQueueInput{QueueName: aws.String(unique("go"))})
	check(t, strings.Contains(q.url, "/"+signedAccount+"/"), q.url)
	q.send("signed: ü & = + %20")
	got := q.receiveOne()
	equal(t, str(got.Body), "signed: ü & = + %20", "body")
	q.delete(got)
	sent, err := by.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{
		QueueUrl: &q.url,
		Entries: []types.SendMessageBatchRequestEntry{
			{Id: aws.String("a"), MessageBody: aws.String("first")},
			{Id: aws.String("b"), MessageBody: aws.String("second")},
		},
	})
	succeeds(t, err)
	equal(t, len(sent.Successful), 2, "sent")
	equal(t, sorted(bodies(q.receiveExactly(2))), []string{"first", "second"}, "bodies")
	_, err = by.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &q.url})
	succeeds(t, err)
}

// refusesToList expects that a client may not even list queues.
func refusesToList(t *testing.T, by *sqs.Client, code, text string) {
	t.Helper()
	_, err := by.ListQueues(ctx, &sqs.ListQueuesInput{})
	raisesCode(t, err, code, text)
	var response *smithyhttp.ResponseError
	check(t, errors.As(err, &response), "no response: "+message(err))
	equal(t, response.HTTPStatusCode(), http.StatusForbidden, "status of "+message(err))
}

func refusesKey(t *testing.T, key aws.Credentials) {
	t.Helper()
	refusesToList(t, signedClient(t, key), "InvalidClientTokenId", "The security token included in the request is invalid.")
}

func TestRightKeyWorksForItsAccount(t *testing.T) {
	t.Parallel()
	worksBy(t, signedClient(t, signedKey(t)))
}

func TestWrongSecretIsRefused(t *testing.T) {
	t.Parallel()
	key := signedKey(t)
	key.SecretAccessKey = wrongSecret
	refusesToList(t, signedClient(t, key), "SignatureDoesNotMatch",
		"The request signature we calculated does not match the signature you provided.")
}

func TestUnknownKeyIsRefused(t *testing.T) {
	t.Parallel()
	key := signedKey(t)
	key.AccessKeyID = "AKIAIOSFODNN7EXAMPLE"
	refusesKey(t, key)
}

func TestSessionWorksWithItsTokenAlone(t *testing.T) {
	t.Parallel()
	worksBy(t, signedClient(t, sessionKey(t)))
	for _, token := range []string{"", "another session's token"} {
		key := sessionKey(t)
		key.SessionToken = token
		refusesKey(t, key)
	}
}

// clock signs at a time that is off by so much.
type clock time.Duration

func (c clock) SignHTTP(ctx context.Context, key aws.Credentials, r *http.Request, hash, service, region string, now time.Time, options ...func(*v4.SignerOptions)) error {
	return v4.NewSigner().SignHTTP(ctx, key, r, hash, service, region, now.Add(time.Duration(c)), options...)
}

func off(by time.Duration) func(*sqs.Options) {
	return func(o *sqs.Options) { o.HTTPSignerV4 = clock(by) }
}

func TestClockThatIsOffIsRefused(t *testing.T) {
	t.Parallel()
	slow := signedClient(t, signedKey(t), off(-20*time.Minute))
	refusesToList(t, slow, "SignatureDoesNotMatch", "Signature expired: ")
	fast := signedClient(t, signedKey(t), off(20*time.Minute))
	refusesToList(t, fast, "SignatureDoesNotMatch", "Signature not yet current: ")
}

// seenFrom is the server as a clock sees it that is off by so much.
type seenFrom struct {
	clock time.Duration
	dates int
}

func (s *seenFrom) Do(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		s.dates++
		response.Header.Set("Date", date.Add(-s.clock).Format(http.TimeFormat))
	}
	return response, nil
}

func TestDefaultRetryerCorrectsTheClockByTheDateOfTheRefusal(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{-20 * time.Minute, 20 * time.Minute} {
		server := &seenFrom{clock: by}
		corrected := signedClient(t, signedKey(t), off(by), func(o *sqs.Options) { o.HTTPClient = server })
		_, err := corrected.ListQueues(ctx, &sqs.ListQueuesInput{})
		succeeds(t, err)
		equal(t, server.dates, 2, "answers with a date")
	}
}

// presigned is a URL that lists queues for some seconds. A second is the least that dates tell, so one
// of a single second may be over at once.
func presigned(t *testing.T, key aws.Credentials, seconds string) string {
	t.Helper()
	address := strings.TrimSuffix(given(t, "LCLQ_SIGNED_ENDPOINT"), "/") +
		"/?Action=ListQueues&Version=2012-11-05&X-Amz-Expires=" + seconds
	request, err := http.NewRequest(http.MethodGet, address, nil)
	succeeds(t, err)
	nothing := sha256.Sum256(nil)
	signed, headers, err := v4.NewSigner().PresignHTTP(ctx, key, request, hex.EncodeToString(nothing[:]), "sqs", "us-east-1", time.Now())
	succeeds(t, err)
	equal(t, len(headers), 1, "headers to send: the host")
	return signed
}

func fetch(t *testing.T, address string) (int, string) {
	t.Helper()
	response, err := http.Get(address)
	succeeds(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	succeeds(t, err)
	equal(t, response.Header.Get("Content-Type"), "text/xml", "content type")
	return response.StatusCode, string(body)
}

func listsByURL(t *testing.T, address string) {
	t.Helper()
	status, body := fetch(t, address)
	equal(t, status, http.StatusOK, body)
	check(t, strings.Contains(body, "<ListQueuesResponse"), body)
}

func refusesURL(t *testing.T, address, text string) {
	t.Helper()
	status, body := fetch(t, address)
	equal(t, status, http.StatusForbidden, body)
	check(t, strings.Contains(body, "<Code>SignatureDoesNotMatch</Code>"), body)
	check(t, strings.Contains(body, "<Message>"+text), body)
}

func TestPresignedURLWorksUntilItExpires(t *testing.T) {
	t.Parallel()
	address := presigned(t, signedKey(t), "2")
	listsByURL(t, address)
	time.Sleep(2200 * time.Millisecond)
	refusesURL(t, address, "Signature expired: ")
}

func TestPresignedURLOfASession(t *testing.T) {
	t.Parallel()
	address := presigned(t, sessionKey(t), "60")
	check(t, strings.Contains(address, "X-Amz-Security-Token="), address)
	listsByURL(t, address)
}

func TestChangedPresignedURLIsRefused(t *testing.T) {
	t.Parallel()
	address := presigned(t, signedKey(t), "60")
	for _, change := range [][2]string{{"2012-11-05", "2012-11-06"}, {"X-Amz-Expires=60", "X-Amz-Expires=90"}} {
		changed := strings.Replace(address, change[0], change[1], 1)
		check(t, changed != address, "nothing to change in "+address)
		refusesURL(t, changed, "The request signature we calculated does not match")
	}
}
