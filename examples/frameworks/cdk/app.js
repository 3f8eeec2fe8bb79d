import { App } from "aws-cdk-lib";
import { Shop } from "./stack.js";

const app = new App();
new Shop(app, "Shop");
app.synth();
