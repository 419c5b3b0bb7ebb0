/* SPDX-License-Identifier: LGPL-2.1-or-later */
'use strict';

SwaggerUIBundle({ url: '/openapi.json', dom_id: '#docs', deepLinking: true, validatorUrl: null });
