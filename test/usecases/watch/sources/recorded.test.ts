import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { RegistryEvent } from '../../../../src/usecases/watch/registry-event.ts'
import { distribution } from '../../../../src/usecases/watch/sources/distribution.ts'
import { requestOf } from '../../../support/watch/event-samples.ts'

const folder = join(import.meta.dirname, '../../../fixtures/notifications')
const contentType = 'application/vnd.docker.distribution.events.v1+json'

/**
 * Reads bodies that docker-registry 2.8 sent in `test/program/registry-notifications.test.ts`. Only
 * the names of machines and the addresses were replaced.
 */
function recorded(name: string): readonly (readonly RegistryEvent[])[] {
  const text = readFileSync(join(folder, `docker-registry-2.8-${name}.json`), 'utf8')
  return (JSON.parse(text) as readonly object[]).map((body) =>
    distribution.parse(requestOf(body, contentType)),
  )
}

describe('the recorded notifications of docker-registry 2.8', () => {
  it.each([
    ['pushed', 5, 'push', 'staging/api'],
    ['promoted', 6, 'push', 'prod/api'],
    ['deleted', 2, 'delete', 'prod/api'],
  ])('of an image that was %s are %i messages with one event', (name, messages, kind, path) => {
    const events = recorded(name)
    expect(events).toHaveLength(messages)
    expect(events.flat()).toMatchObject([{ kind, registry: 'registry.example.com', path, tag: '1.4.2' }])
    expect(events.at(-1)).toHaveLength(1)
  })
})
