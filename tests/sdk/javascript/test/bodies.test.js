// What a body may hold: every legal character, up to 1 MiB.
import { test } from "node:test";
import { InvalidMessageContents } from "@aws-sdk/client-sqs";
import { assert, createQueue, md5, receive, receiveOne, rejectsWith, rejectsWithCode, remove, send } from "./helpers.js";

const MIB = 1024 * 1024;
const LEGAL = [[0x9, 0x9], [0xa, 0xa], [0xd, 0xd], [0x20, 0xd7ff], [0xe000, 0xfffd], [0x10000, 0x10ffff]];

/** All characters of the ranges, in strings of at most `size` bytes of UTF-8. */
function* chunks(ranges, size) {
  let text = "";
  let bytes = 0;
  for (const [first, last] of ranges) {
    for (let code = first; code <= last; code++) {
      const char = String.fromCodePoint(code);
      const length = Buffer.byteLength(char);
      if (bytes + length > size) {
        yield text;
        [text, bytes] = ["", 0];
      }
      text += char;
      bytes += length;
    }
  }
  yield text;
}

test("every legal character survives", async (t) => {
  const { url } = await createQueue(t);
  let count = 0;
  for (const body of chunks(LEGAL, MIB)) {
    assert.equal((await send(url, body)).MD5OfMessageBody, md5(body));
    const message = await receiveOne(url);
    assert.ok(message.Body === body, `characters from U+${body.codePointAt(0).toString(16)} on differ`);
    await remove(url, message);
    count += [...body].length;
  }
  assert.equal(count, LEGAL.reduce((sum, [first, last]) => sum + last - first + 1, 0));
});

test("markup, quotes and line ends survive", async (t) => {
  const { url } = await createQueue(t);
  const body = "<a href=\"x\">&amp;&quot;'</a>\r\n\t]]>\r\\u0041\u2028\u2029 end ";
  await send(url, body);
  assert.equal((await receiveOne(url)).Body, body);
});

test("illegal characters are InvalidMessageContents", async (t) => {
  const { url } = await createQueue(t);
  for (const char of ["\u0000", "\u0001", "\u0008", "\u000b", "\u001f", "\ufffe", "\uffff"]) {
    await rejectsWith(InvalidMessageContents, send(url, `illegal ${char} here`));
  }
  assert.deepEqual(await receive(url), []);
});

test("a body of exactly 1 MiB", async (t) => {
  const { url } = await createQueue(t);
  const body = "x".repeat(MIB);
  await send(url, body);
  assert.ok((await receiveOne(url)).Body === body);
});

test("attributes count towards the 1 MiB", async (t) => {
  const { url } = await createQueue(t);
  const MessageAttributes = { name: { DataType: "String", StringValue: "value" } };
  const counted = "name".length + "String".length + "value".length;
  await send(url, "x".repeat(MIB - counted), { MessageAttributes });
  const tooLong = /Message must be shorter than 1048576 bytes/;
  await rejectsWithCode("InvalidParameterValue", send(url, "x".repeat(MIB - counted + 1), { MessageAttributes }), tooLong);
  await rejectsWithCode("InvalidParameterValue", send(url, "x".repeat(MIB + 1)), tooLong);
});

test("MaximumMessageSize counts bytes, not characters", async (t) => {
  const { url } = await createQueue(t, { Attributes: { MaximumMessageSize: "1024" } });
  await send(url, "ü".repeat(512));
  await rejectsWithCode(
    "InvalidParameterValue",
    send(url, "ü".repeat(512) + "x"),
    /Message must be shorter than 1024 bytes/,
  );
});

test("an empty body is MissingParameter", async (t) => {
  const { url } = await createQueue(t);
  await rejectsWithCode("MissingParameter", send(url, ""), /The request must contain the parameter MessageBody/);
});
