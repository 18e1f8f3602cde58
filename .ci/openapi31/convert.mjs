// Converts every OpenAPI 3.0 document below FROM to 3.1 by one of two public converters, and writes it below TO.
import fs from 'node:fs'
import path from 'node:path'
import { upgradeFromThreeToThreeOne } from '@scalar/openapi-upgrader/3.0-to-3.1'
import openapiFormat from 'openapi-format'

const [converter, from, to] = process.argv.slice(2)

// openapi-format drops `nullable` where no type is beside it, so that an arm for `null` would allow anything.
const statesNull = (key, value) =>
  JSON.stringify(value) === '{"nullable":true}' ? { enum: [null], nullable: true } : value

const convert = {
  '@scalar/openapi-upgrader': (text) => upgradeFromThreeToThreeOne(JSON.parse(text)),
  'openapi-format': async (text) =>
    (await openapiFormat.openapiConvertVersion(JSON.parse(text, statesNull), { convertTo: '3.1' })).data,
}[converter]

const files = fs.readdirSync(from, { recursive: true }).filter((file) => file.endsWith('.json'))
for (const file of files) {
  const text = fs.readFileSync(path.join(from, file), 'utf8')
  if (!JSON.parse(text).openapi?.startsWith?.('3.0')) continue
  const target = path.join(to, file)
  fs.mkdirSync(path.dirname(target), { recursive: true })
  fs.writeFileSync(target, JSON.stringify(await convert(text), null, 2) + '\n')
}
