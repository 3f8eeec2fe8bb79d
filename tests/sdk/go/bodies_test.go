// What a body may hold: every legal character, up to 1 MiB.
package sqs_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const mib = 1024 * 1024

// soonBack is for messages of 1 MiB: Go's HTTP client now and then closes a connection
// while it reads a long answer, from any server, and its retry finds the message in flight.
var soonBack = map[string]string{"VisibilityTimeout": "1"}

var legal = [][2]rune{{0x9, 0x9}, {0xa, 0xa}, {0xd, 0xd}, {0x20, 0xd7ff}, {0xe000, 0xfffd}, {0x10000, 0x10ffff}}

// legalBodies are all legal characters in bodies of at most 1 MiB.
func legalBodies() (all []string) {
	var body strings.Builder
	for _, r := range legal {
		for char := r[0]; char <= r[1]; char++ {
			if body.Len()+utf8.RuneLen(char) > mib {
				all = append(all, body.String())
				body.Reset()
			}
			body.WriteRune(char)
		}
	}
	return append(all, body.String())
}

func TestEveryLegalCharacterSurvives(t *testing.T) {
	t.Parallel()
	q := newQueue(t, soonBack)
	count := 0
	for _, body := range legalBodies() {
		equal(t, str(q.send(body).MD5OfMessageBody), md5Of(body), "MD5")
		got := q.receiveOne()
		first, _ := utf8.DecodeRuneInString(body)
		check(t, str(got.Body) == body, "characters differ in the body that starts with "+string(first))
		q.delete(got)
		count += utf8.RuneCountInString(body)
	}
	equal(t, count, 3+0xd7e0+0x1ffe+0x100000, "characters tried")
}

func TestMarkupQuotesAndLineEndsSurvive(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	body := "<a href=\"x\">&amp;&quot;'</a>\r\n\t]]>\r\\u0041\u2028\u2029 end "
	q.send(body)
	equal(t, str(q.receiveOne().Body), body, "body")
}

func TestIllegalCharacters(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	for _, char := range []string{"\x00", "\x01", "\x08", "\x0b", "\x1f", "\ufffe", "\uffff"} {
		_, err := q.trySend("illegal " + char + " here")
		raises[*types.InvalidMessageContents](t, err, "InvalidMessageContents", "")
	}
	q.isEmpty("nothing was sent")
}

func TestAttributesCountTowardsOneMebibyte(t *testing.T) {
	t.Parallel()
	q := newQueue(t, soonBack)
	attributes := withAttributes(attrs{"name": text("value")})
	longest := strings.Repeat("x", mib-len("name")-len("String")-len("value"))
	q.send(longest, attributes)
	check(t, str(q.receiveOne().Body) == longest, "body differs")
	_, err := q.trySend(longest+"x", attributes)
	raisesCode(t, err, "InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.")
}

func TestOneMebibyte(t *testing.T) {
	t.Parallel()
	q := newQueue(t, soonBack)
	body := strings.Repeat("x", mib)
	q.send(body)
	check(t, str(q.receiveOne().Body) == body, "body differs")
	_, err := q.trySend(body + "x")
	raisesCode(t, err, "InvalidParameterValue", "Message must be shorter than 1048576 bytes.")
}

func TestMaximumMessageSizeCountsBytes(t *testing.T) {
	t.Parallel()
	q := newQueue(t, map[string]string{"MaximumMessageSize": "1024"})
	q.send(strings.Repeat("ü", 512))
	_, err := q.trySend(strings.Repeat("ü", 512) + "x")
	raisesCode(t, err, "InvalidParameterValue", "Message must be shorter than 1024 bytes.")
}

func TestEmptyBody(t *testing.T) {
	t.Parallel()
	_, err := newQueue(t, nil).trySend("")
	raisesCode(t, err, "MissingParameter", "The request must contain the parameter MessageBody.")
}
