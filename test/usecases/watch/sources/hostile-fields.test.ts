import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { isDrayError } from '../../../../src/lib/errors.ts'
import { isDigest } from '../../../../src/oci/digest.ts'
import { isRepositoryPath, isTag } from '../../../../src/oci/reference.ts'
import { normalRegistry } from '../../../../src/oci/registry-host.ts'
import type { WatchSourceKind } from '../../../../src/config/watch/watch-source-kinds.ts'
import type { RegistryEvent } from '../../../../src/usecases/watch/registry-event.ts'
import { eventSources } from '../../../../src/usecases/watch/sources/event-sources.ts'
import { anyText } from '../../../support/any-text.ts'
import { pushRequests, samplePush } from '../../../support/watch/event-samples.ts'

const names = Object.keys(eventSources) as WatchSourceKind[]

/** Returns the JSON with another value at its nth field, in the order of the text. */
function withField(text: string, n: number, value: string): string {
  const placeholder = '\u0000'
  const count = (text.match(/":/g) ?? []).length
  let at = 0
  const parsed: unknown = JSON.parse(text, (_key, one: unknown) => (at++ === n % count ? placeholder : one))
  return JSON.stringify(parsed).replace(JSON.stringify(placeholder), () => value)
}

const oddValue = fc.oneof(
  fc.json({ maxDepth: 3 }),
  anyText(300).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    '{"toString":1}',
    '{"__proto__":{"tag":"x"}}',
    '{"constructor":{"prototype":[]}}',
    '[[[[[]]]]]',
    '1e999',
    '-0',
    '"__proto__"',
    '"a\\u0000b"',
    '"\\ud800"',
  ),
)

function isValid({ path, tag, digest, registry, id }: RegistryEvent): boolean {
  const hasValidNames = isRepositoryPath(path) && isTag(tag)
  const hasValidHost = registry === undefined || normalRegistry(registry) === registry
  return hasValidNames && hasValidHost && (digest === undefined || isDigest(digest)) && id !== ''
}

it.each(names)('any value of any field of %s gives valid events or one error "malformed"', (name) => {
  const request = pushRequests[name](samplePush)
  const text = Buffer.from(request.body).toString()
  fc.assert(
    fc.property(fc.nat(200), oddValue, (n, value) => {
      const body = Buffer.from(withField(text, n, value))
      try {
        const events = eventSources[name].parse({ ...request, body })
        expect(events.filter((event) => !isValid(event))).toEqual([])
      } catch (error) {
        if (!isDrayError(error) || error.code !== 'malformed') throw error
      }
    }),
    { numRuns: 300 },
  )
})
