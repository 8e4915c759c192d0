import * as v from 'valibot'
import { environmentName } from '../config.ts'
import { registry } from './schema-registry.ts'
import { retention } from './schema-retention.ts'
import { keyPassword, text, variable } from './schema-words.ts'

const registryHost = v.pipe(
  text('a host'),
  v.description('The host of the registry, with its port, as in a reference.'),
)
const repositoryPath = v.pipe(
  text('a path with {image} in it'),
  v.description(
    'The path of the repository; {image} stands for the name of the image and must be in it once.',
  ),
)
const target = v.pipe(
  v.strictObject({ registry: registryHost, path: repositoryPath }),
  v.description('One registry and path of an environment.'),
)

const requirements = v.pipe(
  v.array(
    v.picklist(['reason', 'ticket'], 'must be reason or ticket'),
    'must be a list of reason and ticket',
  ),
  v.description('What every change has to be given: a reason (--reason), a ticket (--ticket).'),
)
const webhook = v.pipe(
  v.strictObject({
    url: v.pipe(
      v.string('must be a URL'),
      v.regex(/^https?:\/\/[^\s/?#@]+(?:[/?][^\s#]*)?$/, 'must be an http or https URL without credentials'),
      v.description('Where an event for each outcome is sent.'),
    ),
    format: v.optional(
      v.pipe(
        v.picklist(['cloudevents', 'ocsf'], 'must be cloudevents or ocsf'),
        v.description('What an event looks like.'),
      ),
    ),
    secretEnv: v.optional(
      v.pipe(
        variable,
        v.description('The environment variable with the secret that events are signed with.'),
      ),
    ),
    required: v.optional(
      v.pipe(
        v.boolean('must be true or false'),
        v.description('Whether a run fails whose events do not arrive.'),
      ),
    ),
    insecure: v.optional(
      v.pipe(v.boolean('must be true or false'), v.description('Send by plain HTTP to another machine.')),
    ),
  }),
  v.description('A web address that hears of every outcome, to start a deployment, say.'),
)
const signing = v.pipe(
  v.strictObject({
    key: v.pipe(
      text('the path of a PEM file'),
      v.description('The private key (Ed25519 or ECDSA P-256, PEM), relative to this file.'),
    ),
    passwordEnv: keyPassword,
    name: v.optional(
      v.pipe(
        v.string('must be a name'),
        v.regex(/^[^\s+]+$/, 'must have no spaces and no plus sign'),
        v.description('What the key is called in checkpoints, such as example.com/dray.'),
      ),
    ),
  }),
  v.description('What attestations, checkpoints and saved plans are signed with.'),
)

const tagLevels = ['exact', 'minor', 'major', 'latest'] as const
const tagRules = v.pipe(
  v.strictObject({
    semver: v.optional(
      v.pipe(
        v.array(
          v.picklist(tagLevels, `must be one of ${tagLevels.join(', ')}`),
          `must be a list of ${tagLevels.join(', ')}`,
        ),
        v.description(
          'The tags that the promotion of a version keeps up: 1.4.2 (exact), 1.4 (minor), 1 (major), latest. `exact` must be among them.',
        ),
      ),
    ),
    immutable: v.optional(
      v.pipe(
        v.array(text('a glob of tags'), 'must be a list of globs of tags'),
        v.description('Globs (*, ?) of tags that do not move; exact versions never do.'),
      ),
    ),
    v: v.optional(
      v.pipe(
        v.picklist(['keep', 'none', 'always'], 'must be keep, none or always'),
        v.description(
          'Whether tags of versions begin with "v" where the repository does not say so itself: as the version is given, never (the default), always.',
        ),
      ),
    ),
    channels: v.optional(
      v.pipe(
        v.array(
          v.pipe(
            v.string('must be a name'),
            v.regex(/^[A-Za-z][0-9A-Za-z-]*$/, 'must be of letters, digits and "-", and begin with a letter'),
          ),
          'must be a list of names',
        ),
        v.description(
          'Channels of pre-releases: with "beta", 2.0.0-beta.3 moves the tag beta, forward only.',
        ),
      ),
    ),
    buildMetadata: v.optional(
      v.pipe(
        v.boolean('must be true or false'),
        v.description('Whether 1.4.1_build.7 is read as the version 1.4.1+build.7; else it is no version.'),
      ),
    ),
    majorZero: v.optional(
      v.pipe(
        v.boolean('must be true or false'),
        v.description('Whether 0.3.1 moves the tag 0; it does not where this is not given.'),
      ),
    ),
  }),
  v.description('What happens to tags here.'),
)

const environment = v.pipe(
  v.strictObject({
    registry: v.optional(registryHost),
    path: v.optional(repositoryPath),
    targets: v.optional(
      v.pipe(
        v.array(target, 'must be a list of registries and paths'),
        v.minLength(1, 'must have at least one entry'),
        v.description(
          'Several registries and paths, one for each region, say; instead of `registry` and `path`.',
        ),
      ),
    ),
    attest: v.optional(
      v.pipe(
        v.boolean('must be true or false'),
        v.description('Whether a statement of each promotion to it is put beside the image.'),
      ),
    ),
    require: v.optional(requirements),
    tags: v.optional(tagRules),
    marker: v.optional(
      v.pipe(
        text('a tag'),
        v.description(
          'The tag that says what is current here, for `dray status`; latest where it is not given.',
        ),
      ),
    ),
    promoteFrom: v.optional(
      v.pipe(
        v.array(text('the name of an environment'), 'must be a list of environments'),
        v.description('The environments that images may come from; any where it is not given.'),
      ),
    ),
  }),
  v.description('A named set of repositories.'),
)

const imageEntry = v.pipe(
  v.strictObject({
    name: v.optional(
      v.pipe(
        text('a name'),
        v.description('What stands for {image} in paths, where it is not the name itself.'),
      ),
    ),
  }),
  v.description('An image.'),
)

const name = v.pipe(
  v.string(),
  v.regex(environmentName, 'must be of lower-case letters, digits and "-", and not begin with "-"'),
)

/** `dray.yaml` as a person writes it. `check.ts` has the rules that span several keys. */
export const schema = v.pipe(
  v.strictObject({
    $schema: v.optional(
      v.pipe(v.string('must be the address of a JSON Schema'), v.description('The schema, for editors.')),
    ),
    version: v.pipe(v.literal(1, 'must be 1'), v.description('The version of this format.')),
    registries: v.optional(
      v.pipe(
        v.record(v.string(), registry, 'must be a map'),
        v.description('Registries that are reached in a way of their own, by host.'),
      ),
    ),
    environments: v.optional(
      v.pipe(
        v.record(name, environment, 'must be a map'),
        v.description('The environments, by name: `@NAME` in an address.'),
      ),
    ),
    images: v.optional(
      v.pipe(
        v.record(v.string(), v.nullable(imageEntry), 'must be a map'),
        v.description('The images, where they are to be listed; without it any name is an image.'),
      ),
    ),
    retention: v.optional(retention),
    audit: v.optional(
      v.pipe(
        v.strictObject({
          file: v.optional(
            v.pipe(
              text('the path of a file'),
              v.description('Where the record of changes goes, relative to this file.'),
            ),
          ),
          require: v.optional(requirements),
          sign: v.optional(signing),
          repository: v.optional(
            v.pipe(
              text('a repository'),
              v.description(
                'The repository that checkpoints are pushed to: registry.example.com/audit/dray.',
              ),
            ),
          ),
          webhook: v.optional(webhook),
        }),
        v.description('The record of changes.'),
      ),
    ),
  }),
  v.title('dray.yaml'),
)

export type WrittenConfig = v.InferOutput<typeof schema>
export type WrittenEnvironment = v.InferOutput<typeof environment>
