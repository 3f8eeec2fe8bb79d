// Tags of a queue.
package sqs_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

type tags = map[string]string

func (q *queue) tags() tags {
	q.t.Helper()
	listed, err := q.by.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: &q.url})
	succeeds(q.t, err)
	return listed.Tags
}

func (q *queue) untag(keys ...string) {
	q.t.Helper()
	_, err := q.by.UntagQueue(ctx, &sqs.UntagQueueInput{QueueUrl: &q.url, TagKeys: keys})
	succeeds(q.t, err)
}

func TestTags(t *testing.T) {
	t.Parallel()
	q := newQueueBy(t, client, &sqs.CreateQueueInput{
		QueueName: aws.String(unique("go")), Tags: tags{"team": "blue", "stage": "test"},
	})
	equal(t, q.tags(), tags{"team": "blue", "stage": "test"}, "given at creation")
	_, err := client.TagQueue(ctx, &sqs.TagQueueInput{
		QueueUrl: &q.url, Tags: tags{"team": "red", "owner": "Zoë & co", "empty": ""},
	})
	succeeds(t, err)
	equal(t, q.tags(), tags{"team": "red", "stage": "test", "owner": "Zoë & co", "empty": ""}, "added and replaced")
	q.untag("stage", "empty", "never-there")
	equal(t, q.tags(), tags{"team": "red", "owner": "Zoë & co"}, "removed")
	q.untag("team", "owner")
	equal(t, q.tags(), nil, "all removed")
}

func TestTagsOfAMissingQueue(t *testing.T) {
	t.Parallel()
	url := aws.String(unique("go"))
	_, tagged := client.TagQueue(ctx, &sqs.TagQueueInput{QueueUrl: url, Tags: tags{"a": "b"}})
	_, untagged := client.UntagQueue(ctx, &sqs.UntagQueueInput{QueueUrl: url, TagKeys: []string{"a"}})
	_, listed := client.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: url})
	for _, err := range []error{tagged, untagged, listed} {
		queueDoesNotExist(t, err)
	}
}
