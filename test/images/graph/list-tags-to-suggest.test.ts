import { once } from 'node:events'
import { expect, it } from 'vitest'
import { listTagsToSuggest } from '../../../src/images/graph/explain-missing.ts'
import type { TagLister } from '../../../src/images/ports.ts'
import type { Call, ProgressEvent } from '../../../src/lib/call.ts'
import { parseRepository } from '../../../src/oci/reference.ts'

/** A registry that reports an event and then waits until it is cancelled. */
function waiting(event: ProgressEvent): Pick<TagLister, 'repository' | 'tagPages'> {
  return {
    repository: parseRepository('registry.example.com/team/api'),
    tagPages: async function* (call: Call) {
      call.notify(event)
      if (!call.signal.aborted) await once(call.signal, 'abort')
      call.signal.throwIfAborted()
      yield await Promise.resolve(['1.0.0'])
    },
  }
}

it.each<ProgressEvent>([
  { kind: 'retry', method: 'GET', url: 'http://x/', attempt: 1, waitMs: 60_000, why: 'status 500' },
  { kind: 'wait', registry: 'registry.example.com', ms: 60_000 },
])('a suggestion of tags waits for no $kind', async (event) => {
  const call: Call = { signal: new AbortController().signal, notify: () => undefined }
  await expect(listTagsToSuggest(waiting(event), call)).rejects.toMatchObject({ code: 'unavailable' })
})
