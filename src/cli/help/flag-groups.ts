/** The groups of flags in the help of a command (`helpGroup`), in their order. */
export const flagGroups = {
  target: 'Source and target',
  safety: 'Safety',
  evidence: 'Evidence',
  git: 'Git',
  audit: 'Audit',
  output: 'Output',
  connection: 'Connection',
} as const
