import { startSimulator } from "aimlapi-video";
import { afterAll, afterEach, expect, test } from "vitest";

import cases from "./cases.cjs";

cases({ afterAll, afterEach, expect, startSimulator, test });
