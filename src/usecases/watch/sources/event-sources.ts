import type { WatchSourceKind } from '../../../config/watch/watch-source-kinds.ts'
import type { EventSource } from '../registry-event.ts'
import { acr } from './acr.ts'
import { cloudevents } from './cloudevents.ts'
import { distribution } from './distribution.ts'
import { dockerhub } from './dockerhub.ts'
import { ecr } from './ecr.ts'
import { ghcr } from './ghcr.ts'
import { gitlab } from './gitlab.ts'
import { harbor } from './harbor.ts'
import { quay } from './quay.ts'

/** The sources of events by name. */
export const eventSources: Readonly<Record<WatchSourceKind, EventSource>> = {
  distribution,
  gitlab,
  harbor,
  ghcr,
  acr,
  ecr,
  quay,
  dockerhub,
  cloudevents,
}
