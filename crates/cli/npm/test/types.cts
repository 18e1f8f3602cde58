import api = require("aimlapi-video");

api.startSimulator().then((simulator) => simulator.stop());
