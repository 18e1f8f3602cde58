// Clips by the muxers of npm.
import { createRequire } from 'node:module'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
const require = createRequire(join(process.cwd(), 'x.js'))
const [mp4, webm, h264, folder] = process.argv.slice(2)
const write = (name, data) => writeFileSync(join(folder, name), Buffer.from(data))
const attempt = async (name, make) => {
  try { write(name, await make()) } catch (error) { console.error('failed:', name, error.message ?? error) }
}

const { ALL_FORMATS, BufferSource, BufferTarget, Conversion, Input, MkvOutputFormat, MovOutputFormat, Mp4OutputFormat, Output, StreamTarget, WebMOutputFormat } = require('mediabunny')
const convert = async (from, format, appended) => {
  const pieces = []
  const target = appended
    ? new StreamTarget(new WritableStream({ write: (chunk) => { pieces.push([chunk.position, chunk.data.slice()]) } }))
    : new BufferTarget()
  const output = new Output({ format, target })
  const input = new Input({ source: new BufferSource(readFileSync(from)), formats: ALL_FORMATS })
  await (await Conversion.init({ input, output })).execute()
  if (!appended) return target.buffer
  const whole = new Uint8Array(Math.max(...pieces.map(([at, data]) => at + data.length)))
  for (const [at, data] of pieces) whole.set(data, at)
  return whole
}
for (const fastStart of [false, 'in-memory', 'fragmented'])
  for (const [kind, Format] of [['mp4', Mp4OutputFormat], ['mov', MovOutputFormat]])
    for (const appended of [false, true])
      await attempt(`mediabunny-${fastStart}${appended ? '-stream' : ''}.${kind}`, () => convert(mp4, new Format({ fastStart }), appended))
for (const appendOnly of [false, true]) {
  await attempt(`mediabunny-${appendOnly ? 'live' : 'file'}.webm`, () => convert(webm, new WebMOutputFormat({ appendOnly }), appendOnly))
  await attempt(`mediabunny-${appendOnly ? 'live' : 'file'}.mkv`, () => convert(mp4, new MkvOutputFormat({ appendOnly }), appendOnly))
}

const chunks = (add) => {
  for (let number = 0; number < 10; number++)
    add(new Uint8Array(200 + number).fill(number), number % 5 ? 'delta' : 'key', number * 100_000, 100_000,
      number ? undefined : { decoderConfig: { codec: 'avc1.42001e', description: new Uint8Array([1, 66, 0, 30, 255, 225, 0, 0, 1, 0, 0]) } })
}
const mp4Muxer = require('mp4-muxer')
for (const fastStart of [false, 'in-memory', 'fragmented', { expectedVideoChunks: 10 }])
  await attempt(`mp4-muxer-${typeof fastStart === 'object' ? 'reserved' : fastStart}.mp4`, () => {
    const target = new mp4Muxer.ArrayBufferTarget()
    const muxer = new mp4Muxer.Muxer({ target, fastStart, video: { codec: 'avc', width: 96, height: 64 } })
    chunks((...chunk) => muxer.addVideoChunkRaw(...chunk))
    muxer.finalize()
    return target.buffer
  })
const webmMuxer = require('webm-muxer')
for (const streaming of [false, true])
  await attempt(`webm-muxer-${streaming ? 'live' : 'file'}.webm`, () => {
    const target = new webmMuxer.ArrayBufferTarget()
    const muxer = new webmMuxer.Muxer({ target, streaming, video: { codec: 'V_VP9', width: 96, height: 64 } })
    chunks((data, type, at) => muxer.addVideoChunkRaw(data, type, at))
    muxer.finalize()
    return target.buffer
  })

const h264Encoder = require('h264-mp4-encoder')
await attempt('h264-mp4-encoder.mp4', async () => {
  const encoder = await h264Encoder.createH264MP4Encoder()
  encoder.width = 96
  encoder.height = 64
  encoder.initialize()
  for (let number = 0; number < 5; number++) encoder.addFrameRgba(new Uint8Array(96 * 64 * 4).fill(40 * number))
  encoder.finalize()
  return encoder.FS.readFile(encoder.outputFilename)
})
await attempt('mp4box.js.mp4', async () => {
  const box = require('mp4box')
  const file = box.createFile()
  const data = readFileSync(mp4)
  const buffer = data.buffer.slice(data.byteOffset, data.byteOffset + data.length)
  buffer.fileStart = 0
  const pieces = []
  file.onReady = (info) => {
    for (const track of info.tracks) file.setSegmentOptions(track.id, null, { nbSamples: 5 })
    const init = file.initializeSegmentation()
    for (const { buffer } of Array.isArray(init) ? init : [init]) pieces.push(new Uint8Array(buffer))
    file.start()
  }
  file.onSegment = (id, user, segment) => pieces.push(new Uint8Array(segment))
  file.appendBuffer(buffer)
  file.flush()
  return Buffer.concat(pieces)
})
const gifenc = require('gifenc')
await attempt('gifenc.gif', () => {
  const encoder = gifenc.GIFEncoder()
  for (let number = 0; number < 4; number++)
    encoder.writeFrame(new Uint8Array(64 * 48).map((_, at) => (at + number) % 4), 64, 48, { palette: [[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]] })
  encoder.finish()
  return encoder.bytes()
})
