package lclq;

import static lclq.Attributes.md5;
import static lclq.Attributes.string;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.model.InvalidMessageContentsException;

/** What a body may hold: every legal character, up to 1 MiB. */
class BodiesTest extends SqsTest {
    private static final int MIB = 1024 * 1024;

    private static IntStream legalCharacters() {
        return IntStream.of(0x9, 0xa, 0xd)
                .mapToObj(code -> IntStream.rangeClosed(code, code))
                .reduce(IntStream::concat)
                .map(some -> IntStream.concat(some, IntStream.rangeClosed(0x20, 0xd7ff)))
                .map(some -> IntStream.concat(some, IntStream.rangeClosed(0xe000, 0xfffd)))
                .map(some -> IntStream.concat(some, IntStream.rangeClosed(0x10000, 0x10ffff)))
                .orElseThrow();
    }

    /** All legal characters in bodies of at most 1 MiB. */
    private static List<String> legalBodies() {
        var all = new ArrayList<String>();
        var body = new StringBuilder();
        int bytes = 0;
        for (int code : (Iterable<Integer>) legalCharacters()::iterator) {
            int length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
            if (bytes + length > MIB) {
                all.add(body.toString());
                body.setLength(0);
                bytes = 0;
            }
            body.appendCodePoint(code);
            bytes += length;
        }
        all.add(body.toString());
        return all;
    }

    @Test
    void everyLegalCharacterSurvives() {
        var queue = queue();
        int count = 0;
        for (var body : legalBodies()) {
            assertTrue(body.getBytes(StandardCharsets.UTF_8).length <= MIB);
            assertEquals(md5(body), queue.send(body).md5OfMessageBody());
            var got = queue.receiveOne();
            assertTrue(body.equals(got.body()), "differs: the body from " + Integer.toHexString(body.codePointAt(0)));
            queue.delete(got);
            count += body.codePointCount(0, body.length());
        }
        assertEquals(3 + 0xd7e0 + 0x1ffe + 0x100000, count, "characters tried");
    }

    @Test
    void markupQuotesAndLineEndsSurvive() {
        var queue = queue();
        var body = "<a href=\"x\">&amp;&quot;'</a>\r\n\t]]>\r\\u0041\u2028\u2029 end ";
        queue.send(body);
        assertEquals(body, queue.receiveOne().body());
    }

    @Test
    void illegalCharacters() {
        var queue = queue();
        for (char illegal : new char[] {0, 1, 8, 0xb, 0x1f, 0xfffe, 0xffff}) {
            raises(
                    InvalidMessageContentsException.class,
                    "InvalidMessageContents",
                    "",
                    () -> queue.send("illegal " + illegal + " here"));
        }
        queue.isEmpty("nothing was sent");
    }

    @Test
    void exactlyOneMebibyte() {
        var queue = queue();
        var body = "x".repeat(MIB);
        queue.send(body);
        assertTrue(body.equals(queue.receiveOne().body()));
        invalidParameter(
                "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.",
                () -> queue.send(body + "x"));
    }

    @Test
    void attributesCountTowardsOneMebibyte() {
        var queue = queue();
        var attributes = Map.of("name", string("value"));
        var longest = "x".repeat(MIB - "name".length() - "String".length() - "value".length());
        queue.send(longest, r -> r.messageAttributes(attributes));
        invalidParameter(
                "Message must be shorter than 1048576 bytes.",
                () -> queue.send(longest + "x", r -> r.messageAttributes(attributes)));
    }

    @Test
    void maximumMessageSizeCountsBytes() {
        var queue = queue(Map.of("MaximumMessageSize", "1024"));
        queue.send("ü".repeat(512));
        invalidParameter("Message must be shorter than 1024 bytes.", () -> queue.send("ü".repeat(512) + "x"));
    }

    @Test
    void emptyBody() {
        var queue = queue();
        raises("MissingParameter", "The request must contain the parameter MessageBody.", () -> queue.send(""));
    }
}
