"use strict";

module.exports.handle = async (event) => {
  for (const { body } of event.Records) console.log(`handled ${body}`);
};
