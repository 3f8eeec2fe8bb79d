// AddPermission and RemovePermission write the queue's policy.
package sqs_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func (q *queue) allow(label string, accounts []string, actions ...string) error {
	_, err := q.by.AddPermission(ctx, &sqs.AddPermissionInput{QueueUrl: &q.url, Label: &label, AWSAccountIds: accounts, Actions: actions})
	return err
}

func (q *queue) disallow(label string) error {
	_, err := q.by.RemovePermission(ctx, &sqs.RemovePermissionInput{QueueUrl: &q.url, Label: &label})
	return err
}

// statements are the policy's statements; none where there is no policy.
func (q *queue) statements() []any {
	q.t.Helper()
	policy, there := q.attributes("Policy")["Policy"]
	if !there {
		return nil
	}
	return fromJSON(q.t, policy)["Statement"].([]any)
}

var account = []string{"111122223333"}

func TestPermissionBecomesAStatement(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	succeeds(t, q.allow("one", account, "SendMessage"))
	equal(t, fromJSON(t, q.attributes("Policy")["Policy"]), map[string]any{
		"Version": "2008-10-17",
		"Id":      q.arn + "/SQSDefaultPolicy",
		"Statement": []any{map[string]any{
			"Sid":       "one",
			"Effect":    "Allow",
			"Principal": map[string]any{"AWS": "arn:aws:iam::111122223333:root"},
			"Action":    "SQS:SendMessage",
			"Resource":  q.arn,
		}},
	}, "policy")
}

func TestSeveralAccountsAndActionsBecomeLists(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	succeeds(t, q.allow("many", []string{"111122223333", "444455556666"}, "SendMessage", "ReceiveMessage"))
	statements := q.statements()
	equal(t, len(statements), 1, "statements")
	statement := statements[0].(map[string]any)
	equal(t, len(statement["Principal"].(map[string]any)["AWS"].([]any)), 2, "principals")
	equal(t, len(statement["Action"].([]any)), 2, "actions")
}

func TestLabelIsThereOnceAndTheLastDropsThePolicy(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	succeeds(t, q.allow("first", account, "SendMessage"))
	succeeds(t, q.allow("second", account, "*"))
	raisesCode(t, q.allow("first", account, "*"), "InvalidParameterValue", "Already exists.")
	equal(t, len(q.statements()), 2, "statements")
	succeeds(t, q.disallow("first"))
	left := q.statements()
	equal(t, len(left), 1, "statements")
	equal(t, left[0].(map[string]any)["Sid"], any("second"), "the other")
	raisesCode(t, q.disallow("first"), "InvalidParameterValue", "")
	succeeds(t, q.disallow("second"))
	equal(t, q.attributes("Policy"), nil, "no policy")
}

func TestPermissionsOfAMissingQueue(t *testing.T) {
	t.Parallel()
	missing := &queue{t: t, by: client, url: unique("go")}
	queueDoesNotExist(t, missing.allow("one", account, "*"))
	queueDoesNotExist(t, missing.disallow("one"))
}
