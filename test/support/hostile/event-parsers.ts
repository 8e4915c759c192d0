import type { WatchSourceKind } from '../../../src/config/watch/watch-source-kinds.ts'
import type { EventRequest } from '../../../src/usecases/watch/registry-event.ts'
import { eventSources } from '../../../src/usecases/watch/sources/event-sources.ts'
import { harborCloudEvent, pushRequests, requestOf, samplePush, withHeaders } from '../watch/event-samples.ts'
import type { Parser } from './parsers.ts'

const names = Object.keys(eventSources) as WatchSourceKind[]

function parserOf(name: string, source: WatchSourceKind, request: EventRequest): Parser {
  return {
    name,
    sample: Buffer.from(request.body).toString(),
    parse: (body) => eventSources[source].parse({ ...request, body }),
  }
}

const cloudevents = pushRequests.cloudevents(samplePush)
const batch = `[${Buffer.from(cloudevents.body).toString()}]`
const header = 'registry.example.com/prod/api:1.4.2'

/** The parsers of the messages of all sources, and of the headers of a CloudEvent. */
export const eventParsers: readonly Parser[] = [
  ...names.map((name) => parserOf(`an event of ${name}`, name, pushRequests[name](samplePush))),
  parserOf(
    'an event of harbor (CloudEvents)',
    'harbor',
    requestOf(harborCloudEvent(samplePush), 'application/cloudevents+json'),
  ),
  parserOf('a batch of CloudEvents', 'cloudevents', requestOf(batch, 'application/cloudevents-batch+json')),
  {
    name: 'a header of a CloudEvent',
    sample: header,
    parse: (bytes) => {
      const attributes = { specversion: '1.0', id: 'e1', source: '/x', type: 'com.example.pushed' }
      const headers = Object.entries({ ...attributes, subject: Buffer.from(bytes).toString('latin1') })
      const named = Object.fromEntries(headers.map(([name, value]) => [`ce-${name}`, value]))
      return eventSources.cloudevents.parse(withHeaders(requestOf(''), named))
    },
  },
]
