// Making, finding, listing and deleting queues.
package sqs_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func create(name string, attributes map[string]string) (string, error) {
	created, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		return "", err
	}
	return *created.QueueUrl, nil
}

func lookUp(by *sqs.Client, name string) (string, error) {
	found, err := by.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return "", err
	}
	return *found.QueueUrl, nil
}

func TestQueueURLIsEndpointAccountAndName(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	parsed, err := url.Parse(q.url)
	succeeds(t, err)
	equal(t, parsed.Scheme+"://"+parsed.Host, strings.TrimSuffix(endpoint, "/"), "origin")
	check(t, regexp.MustCompile(`^/\d{12}/`+q.name+`$`).MatchString(parsed.Path), parsed.Path)
	account := strings.Split(parsed.Path, "/")[1]
	equal(t, q.arn, "arn:aws:sqs:us-east-1:"+account+":"+q.name, "ARN")
}

func TestLookedUpQueueURLWorksAsItIs(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	found, err := lookUp(client, q.name)
	succeeds(t, err)
	equal(t, found, q.url, "URL")
	_, err = client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &found, MessageBody: aws.String("hello")})
	succeeds(t, err)
	equal(t, str(q.receiveOne().Body), "hello", "body")
}

func TestCreateAgain(t *testing.T) {
	t.Parallel()
	attributes := map[string]string{"VisibilityTimeout": "41", "DelaySeconds": "2"}
	q := newQueue(t, attributes)
	for _, again := range []map[string]string{attributes, {"DelaySeconds": "2"}, nil} {
		same, err := create(q.name, again)
		succeeds(t, err)
		equal(t, same, q.url, "URL")
	}
	_, err := create(q.name, map[string]string{"VisibilityTimeout": "42"})
	raises[*types.QueueNameExists](t, err, "QueueAlreadyExists",
		"A queue already exists with the same name and a different value for attribute VisibilityTimeout")
}

func TestQueueNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"with space", strings.Repeat("x", 81), "dot.inside", "exclaim!"} {
		_, err := create(name, nil)
		raisesCode(t, err, "InvalidParameterValue", "")
	}
	longest := unique("go")
	longest += strings.Repeat("_", 80-len(longest))
	q := newQueueBy(t, client, &sqs.CreateQueueInput{QueueName: &longest})
	check(t, strings.HasSuffix(q.url, "/"+longest), q.url)
}

func TestFifoSuffixAndAttributeMustAgree(t *testing.T) {
	t.Parallel()
	_, err := create(unique("go")+".fifo", nil)
	raisesCode(t, err, "InvalidParameterValue", "")
	_, err = create(unique("go"), map[string]string{"FifoQueue": "true"})
	raisesCode(t, err, "InvalidParameterValue", "")
}

func TestDeletedQueueIsGone(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	_, err := client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &q.url})
	succeeds(t, err)
	_, err = lookUp(client, q.name)
	queueDoesNotExist(t, err)
	_, err = q.trySend("too late")
	queueDoesNotExist(t, err)
	_, err = q.tryReceive()
	queueDoesNotExist(t, err)
	queueDoesNotExist(t, q.tryDelete(aws.String("any")))
	queueDoesNotExist(t, q.set(map[string]string{"DelaySeconds": "1"}))
	_, err = client.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: &q.url})
	queueDoesNotExist(t, err)
}

func TestListQueues(t *testing.T) {
	t.Parallel()
	prefix := unique("go-list")
	var urls []string
	for i := range 5 {
		name := fmt.Sprintf("%s-%d", prefix, i)
		urls = append(urls, newQueueBy(t, client, &sqs.CreateQueueInput{QueueName: &name}).url)
	}

	all, err := client.ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: &prefix})
	succeeds(t, err)
	equal(t, sorted(all.QueueUrls), urls, "all at once")
	equal(t, all.NextToken, nil, "no token without MaxResults")

	var paged []string
	pages := sqs.NewListQueuesPaginator(client, &sqs.ListQueuesInput{QueueNamePrefix: &prefix, MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		succeeds(t, err)
		check(t, len(page.QueueUrls) <= 2, "a page of at most two")
		paged = append(paged, page.QueueUrls...)
	}
	equal(t, sorted(paged), urls, "by pages")

	none, err := client.ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: aws.String(unique("go-none"))})
	succeeds(t, err)
	equal(t, none.QueueUrls, nil, "URLs where there are none")
}

func TestPurgeRemovesVisibleDelayedAndInFlight(t *testing.T) {
	t.Parallel()
	q := newQueue(t, map[string]string{"VisibilityTimeout": "1"})
	q.send("in flight")
	q.receiveOne()
	q.send("visible")
	q.send("delayed", delayed(1))
	q.purge()
	equal(t, bodies(q.receive(waiting(2))), []string{}, "after the purge")
}
