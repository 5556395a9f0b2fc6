import { mapServices, without, type ComposeDocument } from './document.ts';

/** The document with what was once written as `x-develop` where Compose looks for it now. */
export function withDevelop(document: ComposeDocument): ComposeDocument {
  return mapServices(document, (service) => {
    const old = service['x-develop'];
    if (typeof old !== 'object' || old === null || service.develop !== undefined) return service;
    return { ...without(service, 'x-develop'), develop: { ...old } };
  });
}

/** Whether any service says what is to be watched. */
export function declaresWatch({ services }: ComposeDocument): boolean {
  return Object.values(services).some(({ develop }) => (develop?.watch ?? []).length > 0);
}
