// Finds the binary, which is in a package for each platform, of which npm installs the one that fits.
"use strict";

/** Returns the path of the binary: that of `AIMLAPI_VIDEO_BIN`, else the one of the platform's package. */
exports.binary = () => {
  if (process.env.AIMLAPI_VIDEO_BIN) return process.env.AIMLAPI_VIDEO_BIN;
  const platform = `${process.platform}-${process.arch}`;
  const file = process.platform === "win32" ? "aimlapi-video.exe" : "aimlapi-video";
  try {
    return require.resolve(`aimlapi-video-${platform}/${file}`);
  } catch {
    throw new Error(
      `the binary of the package aimlapi-video-${platform} is missing: install again without --omit=optional, or where there is no ` +
        "such package by `cargo install aimlapi-video-cli`; AIMLAPI_VIDEO_BIN names a binary elsewhere",
    );
  }
};
