// Shows /openapi.json in the viewer.
"use strict";

window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api-docs",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  // No server of others checks the document.
  validatorUrl: null,
});
