import * as v from 'valibot'
import { listenPattern } from '../watch/listen-address.ts'
import { watchSourceKinds } from '../watch/watch-source-kinds.ts'
import { described, either, flag, list, optional, pattern, text, variable } from './schema-parts.ts'
import { age, tags } from './schema-selectors.ts'

const name = /^[a-z0-9][a-z0-9-]{0,62}$/
const nameRule =
  'must consist of up to 63 lower-case letters, digits and "-", and not begin with "-"'

const address = pattern(
  'an address and a port, for example 127.0.0.1:8730',
  listenPattern,
  'must be an address and a port, for example 127.0.0.1:8730',
)

const source = described(
  v.strictObject(
    {
      name: described(
        pattern('a name', name, nameRule),
        'The name of the source. The registry sends its events to /NAME, unless the path is secret.',
      ),
      kind: described(
        v.picklist(watchSourceKinds, `must be ${watchSourceKinds.join(', ')}`),
        'The format of the events.',
      ),
      registry: optional(
        text('a host'),
        'The host whose events these are, as in references. By default ghcr.io, docker.io or quay.io for sources of that kind, and the host in the event for cloudevents.',
      ),
      secretEnv: optional(variable, 'The environment variable with the secret.'),
      secretFile: optional(
        text('the path of a file'),
        'The file with the secret, relative to this file.',
      ),
      header: optional(
        pattern(
          'the name of a header',
          /^[A-Za-z0-9-]{1,64}$/,
          'must be the name of a header, for example X-Api-Key',
        ),
        'The header whose whole value is the secret. The default is Authorization. A source of the kind cloudevents is then authenticated by the header and not by a signature.',
      ),
    },
    'must be a map with `name`, `kind` and `secretEnv`',
  ),
  'A registry that sends events.',
)

const repositories = text('an environment or its images, for example @staging/*')

const rule = described(
  v.strictObject(
    {
      name: optional(
        text('a name'),
        'The name of the rule in output, metrics and the journal. By default it consists of `on` and the destination.',
      ),
      on: optional(
        either(
          (value) => typeof value === 'string',
          repositories,
          list(repositories, 'environments or their images'),
        ),
        'The repositories whose events start the rule: "@staging/api", "@staging/*", or a list of them. For a sync rule, by default all repositories that it reads.',
      ),
      tags: v.optional(tags),
      do: described(
        v.picklist(['promote', 'sync'], 'must be promote or sync'),
        'The action: promote the image, or run a sync rule for its repository.',
      ),
      to: optional(text('the name of an environment'), 'The environment to promote to.'),
      rule: optional(text('the name of a sync rule'), 'The sync rule to run.'),
      gitops: optional(
        either(
          (value) => typeof value === 'boolean',
          flag,
          v.picklist(
            ['commit', 'push', 'pullRequest'],
            'must be true, false, commit, push or pullRequest',
          ),
        ),
        'Also edit the deployment files of the environment, as with --gitops: true leaves the edits uncommitted; commit, push and pullRequest also do the same as --commit, --push and --pr.',
      ),
      reason: optional(text('a reason'), 'The reason in audit records. By default it names the event.'),
      ticket: optional(text('a ticket'), 'The ticket in audit records.'),
    },
    'must be a map with `on` and `do`',
  ),
  'A rule: what an event starts.',
)

/** The section `watch`. `src/config/watch/` checks the meaning of its values. */
export const watch = described(
  v.strictObject(
    {
      listen: optional(
        address,
        'The address and port to receive events on, with plain HTTP. The default is 127.0.0.1:8730.',
      ),
      metricsListen: optional(
        address,
        'The address and port of /metrics, for Prometheus. By default there is none.',
      ),
      journal: optional(
        text('the path of a file'),
        'The file of accepted events, relative to this file. By default a file in the state folder of the user.',
      ),
      every: optional(
        age,
        'How often dray also checks the rules without an event: 10m, 1h. By default not at all.',
      ),
      sources: described(list(source, 'sources'), 'The registries that send events.'),
      rules: described(list(rule, 'rules'), 'The rules.'),
    },
    'must be a map with `sources` and `rules`',
  ),
  'The events and rules of `dray watch`.',
)

export type WrittenWatch = v.InferOutput<typeof watch>
export type WrittenWatchSource = v.InferOutput<typeof source>
export type WrittenWatchRule = v.InferOutput<typeof rule>
