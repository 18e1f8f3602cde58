const { startSimulator } = require("aimlapi-video");

require("./cases.cjs")({ afterAll, afterEach, expect, startSimulator, test });
